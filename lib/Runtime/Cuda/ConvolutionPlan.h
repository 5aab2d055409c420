// How cuDNN computes one convolution: descriptors and algorithms, looked up once.
#ifndef ABN_LIB_RUNTIME_CUDA_CONVOLUTIONPLAN_H
#define ABN_LIB_RUNTIME_CUDA_CONVOLUTIONPLAN_H

#include "Declarations.h"
#include "Kernels/Convolution.h"
#include <string>
#include <vector>

namespace abn::cuda {

enum class Direction { Forward, InputGrad, WeightGrad };

struct Algorithm {
  int number;
  int mathType;
  int64_t bytes; // of workspace
};

struct ConvolutionPlan {
  /// What cuDNN is asked for. It pads both ends of an axis alike; where that gives other windows,
  /// the input is a padded copy of the caller's and its paddings are 0.
  AbnDnnConvolution used;
  bool isPadded = false;
  /// cuDNN's descriptors. They live as long as the process.
  void *input = nullptr, *filter = nullptr, *output = nullptr, *convolution = nullptr;
  void *bias = nullptr, *activation = nullptr;
  /// The deterministic ones, the fastest first.
  std::vector<Algorithm> algorithms;
  /// Why there are none, as part of a sentence.
  std::string reason;

  /// Bytes of the padded copy, 0 without one.
  int64_t paddedBytes() const;
  /// Copies the input of `d` to the padded one.
  kernels::Shift toPadded(const AbnDnnConvolution &d) const;
};

/// The plan for a convolution on the current GPU; made on first use. Throws runtime::Error if cuDNN
/// is not there or fails.
ConvolutionPlan &planConvolution(const AbnDnnConvolution &d, Direction direction, bool hasBias,
                                 void *handle);

} // namespace abn::cuda

#endif // ABN_LIB_RUNTIME_CUDA_CONVOLUTIONPLAN_H
