// How the text spells PyTorch's arguments: which attribute is an int, a float, a bool, None, a
// dtype.
#ifndef ABN_LIB_IMPORT_ATEN_ATTRIBUTES_H
#define ABN_LIB_IMPORT_ATEN_ATTRIBUTES_H

#include "AtenOp.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace mlir::abn::aten {

bool isNoneAttr(Attribute attr);
/// An integer that is not a bool.
std::optional<int64_t> readInteger(Attribute attr);
std::optional<bool> readBool(Attribute attr);
std::optional<ScalarArgument> readScalar(Attribute attr);
/// A float; PyTorch also takes an integer for one.
std::optional<double> readNumber(Attribute attr);
/// The attribute that a keyword's default, as written in a schema, stands for.
Attribute parseDefault(StringRef text, MLIRContext *context);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_ATTRIBUTES_H
