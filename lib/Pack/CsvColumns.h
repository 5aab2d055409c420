// The names of the columns, for the reader and the writer.
#ifndef ABN_LIB_PACK_CSVCOLUMNS_H
#define ABN_LIB_PACK_CSVCOLUMNS_H

#include "abn/Pack/PackCsv.h"
#include "llvm/ADT/StringRef.h"

namespace abn::pack {

struct NamedColumn {
  llvm::StringRef name;
  Column column;
};

constexpr NamedColumn kColumns[] = {
    {"id", Column::Id},     {"lower", Column::Lower},         {"upper", Column::Upper},
    {"size", Column::Size}, {"alignment", Column::Alignment}, {"gaps", Column::Gaps},
    {"hint", Column::Hint}, {"offset", Column::Offset}};

} // namespace abn::pack

#endif // ABN_LIB_PACK_CSVCOLUMNS_H
