// The descriptors of abn/Runtime/Dnn.h, checked and described: nothing behind the ABI trusts a
// size.
#ifndef ABN_LIB_RUNTIME_DNN_DESCRIPTORS_H
#define ABN_LIB_RUNTIME_DNN_DESCRIPTORS_H

#include "abn/Runtime/Dnn.h"
#include <string>

namespace abn::runtime {

/// The descriptor as its struct; throws Error if the version, an enumeration, a size or the fit of
/// the sizes to each other (a convolution's output, groups, leading dimensions) is wrong.
const AbnDnnConvolution &readConvolution(const int64_t *descriptor);
const AbnDnnPool &readPool(const int64_t *descriptor);
const AbnDnnResize &readResize(const int64_t *descriptor);
const AbnDnnMatmul &readMatmul(const int64_t *descriptor);

/// Element type and sizes, for messages. Never throws for a bad descriptor.
std::string describeConvolution(const int64_t *descriptor);
std::string describePool(const int64_t *descriptor);
std::string describeResize(const int64_t *descriptor);
std::string describeMatmul(const int64_t *descriptor);

/// The product of a spatial array.
int64_t volume(const int64_t *sizes);

} // namespace abn::runtime

#endif // ABN_LIB_RUNTIME_DNN_DESCRIPTORS_H
