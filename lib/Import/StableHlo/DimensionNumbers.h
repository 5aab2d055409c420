// The dimension numbers that StableHLO writes in notations of its own.
#ifndef ABN_LIB_IMPORT_STABLEHLO_DIMENSIONNUMBERS_H
#define ABN_LIB_IMPORT_STABLEHLO_DIMENSIONNUMBERS_H

#include "HloOp.h"

namespace mlir::abn::hlo {

/// Where one operand of a convolution has what: `first` is the batch (or a filter's input
/// features, or the output's batch), `second` the features (a filter's output features).
struct ConvolutionLayout {
  int64_t first = -1, second = -1;
  SmallVector<int64_t> spatial;

  int64_t rank() const { return spatial.size() + 2; }
};

struct ConvolutionDims {
  ConvolutionLayout input, filter, output;
};

/// Reads `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`; reports at the op.
FailureOr<ConvolutionDims> readConvolutionDims(HloOp &op);

/// Reads the lists and numbers of `<name = [1, 2], other = 3>`, absent ones empty.
class DimensionLists {
public:
  DimensionLists(HloOp &op, StringRef attribute) : text(op.text(attribute)) {}
  SmallVector<int64_t> get(StringRef name) const;
  std::optional<int64_t> number(StringRef name) const;

private:
  /// What stands behind `name =`.
  StringRef find(StringRef name) const;
  std::string text;
};

} // namespace mlir::abn::hlo

#endif // ABN_LIB_IMPORT_STABLEHLO_DIMENSIONNUMBERS_H
