// The table of chips and the cost model; see Tiling.h.
#include "Tiling.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir::abn;

static constexpr unsigned kAccessBytes = 16, kSectorBytes = 32;
/// Static workgroup memory per block that a chip with more grants without being asked.
static constexpr int64_t kWorkgroupBytes = 48 << 10;
/// Of a sum, a moment or a channel's value.
static constexpr int64_t kNumberBytes = 4;
/// Values that a map reads of a channel, or fewer.
static constexpr int64_t kChannelValues = 8;
/// Threads per block where nothing speaks against it: a quarter of what every chip allows, so that
/// the last wave wastes little.
static constexpr unsigned kThreads = 256;
/// A run of a row shorter than this wastes parts of its first and last sector.
static constexpr int64_t kMinRunBytes = 512;
/// Vectors per thread below which another split costs more (its partial sums, its block's start)
/// than it gains.
static constexpr int64_t kMinVectorsPerThread = 4;
/// Splits that the second stage of a reduction adds one after the other.
static constexpr int64_t kMaxSplits = 1024;
/// Blocks of a map, in waves: more would read the per-channel values more often, fewer leave the
/// last wave emptier.
static constexpr int64_t kMapWaves = 4, kColumnwiseMapWaves = 1;

llvm::ArrayRef<Chip> mlir::abn::getChips() {
  static constexpr Chip chips[] = {
      {"sm_75", GpuTarget::Cuda, 68, 1024, 16, 65536, 64 << 10, 32, 616e9, "+ptx63"},
      {"sm_80", GpuTarget::Cuda, 108, 2048, 32, 65536, 164 << 10, 32, 2039e9, "+ptx70"},
      {"sm_86", GpuTarget::Cuda, 84, 1536, 16, 65536, 100 << 10, 32, 936e9, "+ptx71"},
      {"sm_87", GpuTarget::Cuda, 16, 1536, 16, 65536, 164 << 10, 32, 205e9, "+ptx74"},
      {"sm_89", GpuTarget::Cuda, 128, 1536, 24, 65536, 100 << 10, 32, 1008e9, "+ptx78"},
      {"sm_90", GpuTarget::Cuda, 132, 2048, 32, 65536, 228 << 10, 32, 3350e9, "+ptx78"},
      {"sm_90a", GpuTarget::Cuda, 132, 2048, 32, 65536, 228 << 10, 32, 3350e9, "+ptx80"},
      {"sm_100", GpuTarget::Cuda, 148, 2048, 32, 65536, 228 << 10, 32, 8000e9, "+ptx86"},
      {"sm_100a", GpuTarget::Cuda, 148, 2048, 32, 65536, 228 << 10, 32, 8000e9, "+ptx86"},
      {"sm_103", GpuTarget::Cuda, 148, 2048, 32, 65536, 228 << 10, 32, 8000e9, "+ptx88"},
      {"sm_103a", GpuTarget::Cuda, 148, 2048, 32, 65536, 228 << 10, 32, 8000e9, "+ptx88"},
      {"sm_120", GpuTarget::Cuda, 170, 1536, 24, 65536, 100 << 10, 32, 1792e9, "+ptx87"},
      {"sm_120a", GpuTarget::Cuda, 170, 1536, 24, 65536, 100 << 10, 32, 1792e9, "+ptx87"},
      {"sm_121", GpuTarget::Cuda, 48, 1536, 24, 65536, 100 << 10, 32, 273e9, "+ptx88"},
      {"sm_121a", GpuTarget::Cuda, 48, 1536, 24, 65536, 100 << 10, 32, 273e9, "+ptx88"},
      {"gfx90a", GpuTarget::Rocm, 110, 2048, 32, 131072, 64 << 10, 64, 1638e9, ""},
      {"gfx942", GpuTarget::Rocm, 304, 2048, 32, 131072, 64 << 10, 64, 5300e9, ""},
      {"gfx1100", GpuTarget::Rocm, 96, 1024, 32, 196608, 64 << 10, 32, 960e9, ""},
      {"opencl", GpuTarget::Spirv, 64, 1024, 16, 65536, 32 << 10, 1, 500e9, ""},
  };
  return chips;
}

llvm::StringRef mlir::abn::stringify(GpuTarget target) {
  switch (target) {
  case GpuTarget::Cuda:
    return "cuda";
  case GpuTarget::Rocm:
    return "rocm";
  case GpuTarget::Spirv:
    return "spirv";
  }
  return "";
}

const Chip *mlir::abn::findChip(llvm::StringRef name) {
  const Chip *found =
      llvm::find_if(getChips(), [&](const Chip &chip) { return chip.name == name; });
  return found == getChips().end() ? nullptr : found;
}

/// The widest access that no row of a group breaks, and the group that allows it.
static void chooseAccess(const NestShape &shape, Tiling &tiling) {
  int64_t widest = shape.isAligned ? kAccessBytes / shape.elementBytes : 1;
  int64_t row = shape.channels * shape.inner;
  if (shape.inner == 1 && shape.channels > 1) {
    // Channels last: the columns are the channels.
    tiling.vector = std::gcd(shape.channels, widest);
    int64_t columns = shape.channels / tiling.vector;
    tiling.channelsPerGroup = std::min<int64_t>(columns, 32) * tiling.vector;
    return;
  }
  tiling.vector = std::gcd(shape.inner, widest);
  int64_t run = shape.inner * shape.elementBytes;
  if (tiling.vector == widest && run >= kMinRunBytes)
    return;
  // Whole sectors of several channels, if rows begin at a sector.
  int64_t channels = kSectorBytes / std::gcd<int64_t>(run, kSectorBytes);
  channels *= llvm::divideCeil(kMinRunBytes, channels * run);
  channels = std::min(channels, shape.channels);
  bool isWhole = row % widest == 0 && channels * shape.inner % widest == 0 &&
                 channels * shape.inner / widest <= kThreads;
  if (!isWhole || channels == 1)
    return;
  tiling.vector = widest;
  tiling.channelsPerGroup = channels;
}

/// What threads of a block come in: subgroups, or what devices run together though they may not
/// shuffle.
static unsigned getTogether(const Chip &chip) { return std::max(chip.subgroup, 32u); }

/// Threads of a block over a group of several channels: whole rows, as many as are `wanted`; if the
/// choice is free, up to twice kThreads if fewer lanes of the block's subgroups are idle then.
/// Registers are dealt out to four subgroups at a time.
static unsigned getColumnwiseThreads(const NestShape &shape, const Chip &chip, int64_t perRow,
                                     unsigned wanted) {
  int64_t most = wanted ? wanted : kThreads, limit = wanted ? wanted : 2 * kThreads;
  int64_t rows = shape.outer ? std::max<int64_t>(1, *shape.outer) : kThreads;
  int64_t best = perRow;
  double share = 0;
  for (int64_t threads = perRow; threads <= limit && threads <= rows * perRow; threads += perRow) {
    double busy = double(threads) / llvm::alignTo(threads, 4 * getTogether(chip));
    if (busy < share || (threads > most && busy < share + 0.1))
      continue;
    best = threads;
    share = busy;
  }
  return best;
}

/// Workgroup memory of a group of several channels: what its threads merge, a sample of each
/// channel, and the channels' values.
static int64_t getColumnwiseBytes(const NestShape &shape, const Chip &chip, const Tiling &tiling,
                                  int64_t channels, unsigned merged, int64_t threads) {
  bool hasSlotPerLane = shape.inner < tiling.vector;
  int64_t slots = hasSlotPerLane ? tiling.vector : shape.inner % tiling.vector ? 2 : 1;
  int64_t perRow = channels * shape.inner / tiling.vector;
  int64_t states = slots * llvm::alignTo(threads, getTogether(chip)) * merged;
  int64_t values = kChannelValues * (hasSlotPerLane ? perRow * tiling.vector : channels);
  return (states + slots * perRow + values) * kNumberBytes;
}

/// Fewer columns, down to a sector, if a group then fits in workgroup memory.
static void fitGroup(const NestShape &shape, const Chip &chip, Tiling &tiling,
                     const Reduced &reduced, unsigned wanted) {
  if (!shape.outer || reduced.tensors == 0)
    return;
  auto fits = [&](int64_t channels) {
    int64_t kept = *shape.outer * channels * shape.inner * shape.elementBytes * reduced.tensors;
    // One channel per group keeps next to nothing, unless threads merge there for want of shuffles.
    int64_t single =
        1024 + (chip.subgroup == 1 ? kThreads / 2 * reduced.numbers * kNumberBytes : 0);
    int64_t perRow = channels * shape.inner / tiling.vector;
    int64_t threads = getColumnwiseThreads(shape, chip, perRow, wanted);
    int64_t rest = channels > 1
                       ? getColumnwiseBytes(shape, chip, tiling, channels, reduced.numbers, threads)
                       : single;
    return kept + rest <= std::min<int64_t>(kWorkgroupBytes, chip.sharedBytes);
  };
  int64_t channels = tiling.channelsPerGroup;
  if (shape.inner == 1)
    while (!fits(channels) && channels % 2 == 0 && channels / 2 % tiling.vector == 0 &&
           channels / 2 * shape.elementBytes >= kSectorBytes)
      channels /= 2;
  if (!fits(channels))
    return;
  tiling.channelsPerGroup = channels;
  tiling.isFused = true;
}

static void chooseThreads(const NestShape &shape, const Chip &chip, const Reduced &reduced,
                          unsigned wanted, Tiling &tiling) {
  unsigned most = tiling.threads = wanted ? wanted : kThreads;
  if (tiling.isColumnwise()) {
    tiling.threads = getColumnwiseThreads(shape, chip, tiling.vectorsPerRow, wanted);
    // Fewer rows than asked for, if their states do not fit.
    while (tiling.threads > tiling.vectorsPerRow &&
           getColumnwiseBytes(shape, chip, tiling, tiling.channelsPerGroup, reduced.numbers,
                              tiling.threads) > kWorkgroupBytes)
      tiling.threads -= tiling.vectorsPerRow;
  } else if (shape.outer)
    tiling.threads =
        std::clamp<int64_t>(llvm::alignTo(*shape.outer * tiling.vectorsPerRow, getTogether(chip)),
                            std::min(getTogether(chip), most), most);
  tiling.blockSize = llvm::alignTo(tiling.threads, getTogether(chip));
}

/// Enough blocks to fill the chip, as long as each has enough to do.
static void chooseSplits(const NestShape &shape, const Chip &chip, Tiling &tiling) {
  int64_t perProcessor =
      std::max<int64_t>(1, std::min<int64_t>(chip.blocks, chip.threads / tiling.blockSize));
  int64_t wave = chip.processors * perProcessor;
  tiling.splits = llvm::divideCeil(wave, tiling.groups);
  int64_t waves = tiling.isColumnwise() ? kColumnwiseMapWaves : kMapWaves;
  tiling.mapSplits = llvm::divideCeil(waves * wave, tiling.groups);
  if (shape.outer) {
    int64_t vectors = *shape.outer * tiling.vectorsPerRow;
    tiling.splits =
        std::min<int64_t>(tiling.splits, vectors / (tiling.threads * kMinVectorsPerThread));
    tiling.mapSplits = std::min<int64_t>(tiling.mapSplits,
                                         llvm::divideCeil(vectors, tiling.threads * tiling.unroll));
  }
  tiling.splits = std::clamp<int64_t>(tiling.splits, 1, kMaxSplits);
  tiling.mapSplits = std::max<int64_t>(1, tiling.mapSplits);
}

Tiling mlir::abn::chooseTiling(const NestShape &shape, const Chip &chip, const Reduced &reduced,
                               const TilingOverride &fixed) {
  Tiling tiling;
  chooseAccess(shape, tiling);
  fitGroup(shape, chip, tiling, reduced, fixed.threads);
  if (fixed.isFused)
    tiling.isFused &= *fixed.isFused;
  if (fixed.unroll)
    tiling.unroll = fixed.unroll;
  tiling.groups = llvm::divideCeil(shape.channels, tiling.channelsPerGroup);
  tiling.vectorsPerRow = tiling.channelsPerGroup * shape.inner / tiling.vector;
  chooseThreads(shape, chip, reduced, fixed.threads, tiling);
  chooseSplits(shape, chip, tiling);
  if (fixed.splits)
    tiling.splits = tiling.mapSplits = fixed.splits;
  if (tiling.isFused)
    tiling.splits = 1;
  constexpr int64_t kNarrow = std::numeric_limits<int32_t>::max();
  tiling.isWide =
      !shape.outer || *shape.outer * shape.channels * shape.inner >
                          kNarrow - static_cast<int64_t>(tiling.blockSize) * tiling.unroll * 16;
  return tiling;
}
