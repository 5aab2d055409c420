// The arith and math ops on tiny arrays, in double precision.
#ifndef ABN_LIB_RECOGNIZE_SCALAROPS_H
#define ABN_LIB_RECOGNIZE_SCALAROPS_H

#include "abn/Recognize/Evaluation.h"

namespace mlir::abn {

/// The result of a scalar arith or math op whose operands, all of one rank, are given; nothing if
/// the op is not known. A piecewise op (comparison, maximum, absolute value, rounding) appends the
/// outcomes that it showed to `branches`.
std::optional<TinyArray> evaluateScalarOp(Operation *op, ArrayRef<TinyArray> operands,
                                          ArrayArena &arena, SmallVectorImpl<Branch> &branches);

/// The ways in which a reduction's body may combine.
enum class Combiner { Sum, Difference, Maximum, Minimum, Or, And };

/// The combiner that an op is, if any.
std::optional<Combiner> getCombiner(Operation *op);

/// A numeric constant's value: a float, integer or boolean attribute.
std::optional<double> getNumber(Attribute attribute);

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_SCALAROPS_H
