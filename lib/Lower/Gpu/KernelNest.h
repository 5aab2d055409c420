// The nests of convert-abn-to-gpu: kernels on memrefs. Reductions are two kernels (parts of the
// tensor, then the parts of a channel) or one, maps are one; a group of channels that fits in
// workgroup memory is reduced and mapped in one. Private to lib/Lower.
#ifndef ABN_LIB_LOWER_GPU_KERNELNEST_H
#define ABN_LIB_LOWER_GPU_KERNELNEST_H

#include "NestKernel.h"
#include "Reduction.h"

namespace mlir::abn {

class KernelNest final : public ChannelNest {
public:
  /// What a nest is told beside its data.
  struct Options {
    const Chip &chip;
    /// All full-size operands begin at a multiple of 16 bytes.
    bool isAligned;
    /// Begins the kernels' names.
    std::string stem;
    TilingOverride fixed;
    /// Bytes for temporaries (a memref of i8); without it they are allocated.
    Value scratch;
  };

  /// Launches at `host`'s insertion point.
  KernelNest(OpBuilder &host, Location loc, Value full, int64_t channelDim, KernelModule &kernels,
             const Options &options);
  ~KernelNest() override;

  Value map(ArrayRef<Value> operands, Value out, Body body) override;
  SmallVector<Value> sum(ArrayRef<Value> operands, ArrayRef<Value> inits, Body body) override;
  SmallVector<Value> perChannel(ArrayRef<Value> vectors, ArrayRef<Value> inits, Body body) override;
  void check(ArrayRef<Value> vectors, Condition condition, StringRef message) override;
  /// One pass over x: each thread's samples relative to its first, then Chan's merge.
  BatchStatistics takeStatistics(const StatisticsRequest &request) override;
  Value count(ScalarBuilder &s) override;

  /// Launches what is left open and frees the temporaries. To be called last.
  void finish();
  /// How much scratch the nest has taken, or would have.
  int64_t getScratchBytes() const { return scratchBytes; }

private:
  /// Per-channel memrefs of one reduction: what a block leaves, and the results.
  struct Stage {
    SmallVector<Value> parts; // [splits * channels] each, null if there is one split
    int64_t splits;
  };

  Value temporary(Type element, int64_t size);
  NestKernel &open(const Tiling &tiling, int64_t splits);
  void close(StringRef stage);
  /// Splits `operands` into full-size memrefs and per-channel vectors.
  std::pair<SmallVector<Value>, SmallVector<Value>> sort(ArrayRef<Value> operands) const;
  Tiling tile(const Reduced &reduced) const;
  /// What `countThere` is in a kernel: null if the count is a constant.
  Value countIn(NestKernel &kernel) const;
  /// Launches a kernel of one thread per channel.
  void launchPerChannel(StringRef stage,
                        llvm::function_ref<void(NestKernel &, Value channel)> body);
  /// Writes the results of a finished reduction or, if there are several splits, its parts.
  void writeState(NestKernel &kernel, Value channel, ValueRange state, ArrayRef<Value> destinations,
                  const Stage &stage);
  SmallVector<Value> readPart(NestKernel &kernel, const Stage &stage, Value channel, Value split);
  void writeStatistics(NestKernel &kernel, Value channel, Value center, ValueRange state,
                       const BatchStatistics &statistics);
  void reduceMoments(NestKernel &kernel, Value x,
                     llvm::function_ref<void(Value channel, Value center, ValueRange state)> emit);
  Stage makeStage(unsigned numParts, const Tiling &tiling);
  void continueAfterReduction(const Tiling &tiling, StringRef stage);

  const Options &options;
  int64_t scratchBytes = 0;
  ChannelTemplate channels;
  NestContext context;
  SmallVector<Value> temporaries;
  std::unique_ptr<NestKernel> current;
  std::string currentStage;
  /// The element of the count inside of the kernel whose body is being built; null for the
  /// template.
  Value countThere;
};

} // namespace mlir::abn

#endif // ABN_LIB_LOWER_GPU_KERNELNEST_H
