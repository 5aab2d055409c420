#include "abn/AbnDialect.h"
