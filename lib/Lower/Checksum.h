// The checksum of gamma policy `check`: the statistics that are kept for the backward pass anyway
// say what the recovered xhat must sum to. docs/Numerics.md says what it catches. Private to
// lib/Lower.
#ifndef ABN_LIB_LOWER_CHECKSUM_H
#define ABN_LIB_LOWER_CHECKSUM_H

#include "ChannelNest.h"

namespace mlir::abn {

/// How far the recovered sums may be off, for M positions per channel:
///
///     |sum(xhat)/M|                             <= max(mean, meanSlack / sqrt(M))
///     |sum(xhat^2)/M - variance/(variance + e)| <= max(square, squareSlack / sqrt(M))
///
/// An error of relative size e in xhat, as random as rounding, moves the second by e^2 and by about
/// 2e/sqrt(M), the first by e/sqrt(M). The bounds for large M stop at e = 2 % in f32: there dgamma
/// has lost all but two digits. The slack, three standard deviations of the e that rounding gives
/// at the smallest gamma that is still good, keeps small batches from raising alarms by chance.
struct ChecksumTolerance {
  double mean, square, meanSlack, squareSlack;
};

/// By what the stored output rounds to: f32 and f64 recover xhat to 0.5 % at gamma = 1e-6 beside
/// beta = 0.1; f16 (11 bits) to 0.5 % at gamma = 0.01 beside 0.1; bf16 (8 bits) to 2 % at gamma =
/// 0.1 beside 0.5.
inline ChecksumTolerance getChecksumTolerance(Type storage) {
  if (storage.isBF16())
    return {5e-3, 1e-2, 6e-2, 1.2e-1};
  if (storage.isF16())
    return {2e-3, 2e-3, 3e-2, 6e-2};
  return {2e-3, 4e-4, 1.5e-2, 3e-2};
}

/// Emits the comparison and the assertion that stops the program with the name of `op`'s chain.
/// `sum` and `sumOfSquares` are those of xhat, `storage` is the element type of the stored output.
void emitChecksum(ChannelNest &nest, Operation *op, Value sum, Value sumOfSquares, Value variance,
                  double epsilon, Type storage);

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_CHECKSUM_H
