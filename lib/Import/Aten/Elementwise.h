// Table rows for elementwise ops: the names of the arguments that take part in type promotion, what
// the result's type is, and one lambda on scalars.
#ifndef ABN_LIB_IMPORT_ATEN_ELEMENTWISE_H
#define ABN_LIB_IMPORT_ATEN_ELEMENTWISE_H

#include "../Emit/Emit.h"
#include "Registry.h"

namespace mlir::abn::aten {

/// The result's element type: the promoted one, its floating counterpart, the promoted one if it is
/// an integer or bool (else an error), or bool.
enum class ResultKind { Promoted, Float, Integer, Bool };

using ScalarFn = std::function<Value(Body &, ValueRange)>;

/// A row's conversion. `names` are tensors or numbers, in the order in which the body gets them;
/// `extras` (alpha, value) are numbers that follow them and do not promote.
ConvertFn elementwise(ResultKind kind, std::vector<const char *> names, ScalarFn body,
                      std::vector<const char *> extras = {});

/// The same for values that are at hand: promotes, broadcasts, emits, and returns the result.
/// Numbers reach the body as constants behind the tensors' values.
FailureOr<Value> emitPromoted(AtenOp &op, ResultKind kind, ValueRange tensors,
                              ArrayRef<ScalarArgument> scalars, BodyFn body);

} // namespace mlir::abn::aten

#endif // ABN_LIB_IMPORT_ATEN_ELEMENTWISE_H
