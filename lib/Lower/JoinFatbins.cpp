// abn-join-fatbins: one fatbin for several chips. gpu-module-to-binary makes an object for each,
// and translation to LLVM IR embeds the first alone.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

namespace mlir::abn {
#define GEN_PASS_DEF_JOINFATBINS
#include "abn/Passes.h.inc"
} // namespace mlir::abn

using namespace mlir;
namespace endian = llvm::support::endian;

/// The container as `fatbinary` of CUDA 7.5 to 13.0 writes it: a header of 16 bytes (u32 magic, u16
/// version, u16 its size, u64 bytes behind it), then entries, each with a header (u16 kind, u16
/// version, u32 its size, u64 bytes behind it, ..., u32 architecture at byte 28).
static constexpr uint32_t kMagic = 0xBA55ED50;
static constexpr size_t kHeaderBytes = 16, kEntryBytes = 32, kArchitectureByte = 28;
static constexpr uint16_t kPtx = 1;

namespace {
struct Entry {
  uint16_t kind;
  uint32_t architecture;
  StringRef bytes;
};
} // namespace

/// The entries of a fatbin; nullopt if it is none.
static std::optional<SmallVector<Entry>> readFatbin(StringRef fatbin) {
  if (fatbin.size() < kHeaderBytes || endian::read32le(fatbin.data()) != kMagic ||
      endian::read16le(fatbin.data() + 6) != kHeaderBytes ||
      endian::read64le(fatbin.data() + 8) != fatbin.size() - kHeaderBytes)
    return std::nullopt;
  SmallVector<Entry> entries;
  StringRef rest = fatbin.drop_front(kHeaderBytes);
  while (!rest.empty()) {
    if (rest.size() < kEntryBytes)
      return std::nullopt;
    uint64_t header = endian::read32le(rest.data() + 4),
             payload = endian::read64le(rest.data() + 8);
    if (header < kEntryBytes || payload > rest.size() || header > rest.size() - payload)
      return std::nullopt;
    entries.push_back({endian::read16le(rest.data()),
                       endian::read32le(rest.data() + kArchitectureByte),
                       rest.take_front(header + payload)});
    rest = rest.drop_front(header + payload);
  }
  return entries;
}

namespace {
/// A fatbin with the chip that it is for.
struct ChipEntries {
  StringRef chip;
  SmallVector<Entry> entries;

  /// Of all but chips such as sm_90a drivers compile PTX for newer ones.
  bool isPortable() const { return llvm::isDigit(chip.back()); }
};
} // namespace

/// All machine code, and the PTX of the newest chip from which drivers compile for chips that are
/// newer still; of the newest one if there is none.
static std::string joinEntries(ArrayRef<ChipEntries> fatbins, StringRef firstHeader) {
  const ChipEntries *newest = nullptr;
  auto rank = [](const ChipEntries &each) {
    return std::pair(each.isPortable(), each.entries.empty() ? 0 : each.entries[0].architecture);
  };
  for (const ChipEntries &each : fatbins)
    if (!newest || rank(each) > rank(*newest))
      newest = &each;
  std::string joined = firstHeader.take_front(kHeaderBytes).str();
  for (const ChipEntries &each : fatbins)
    for (const Entry &entry : each.entries)
      if (entry.kind != kPtx || &each == newest)
        joined += entry.bytes;
  endian::write64le(joined.data() + 8, joined.size() - kHeaderBytes);
  return joined;
}

namespace {
struct JoinFatbins : abn::impl::JoinFatbinsBase<JoinFatbins> {
  void runOnOperation() override {
    for (auto binary : getOperation().getOps<gpu::BinaryOp>())
      if (binary.getObjects().size() > 1 && failed(joinObjects(binary)))
        return signalPassFailure();
  }

  static LogicalResult joinObjects(gpu::BinaryOp binary) {
    SmallVector<ChipEntries> fatbins;
    auto objects = llvm::to_vector(binary.getObjects().getAsRange<gpu::ObjectAttr>());
    for (gpu::ObjectAttr object : objects) {
      auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
      if (object.getFormat() != gpu::CompilationTarget::Fatbin || !target)
        return success();
      auto entries = readFatbin(object.getObject().getValue());
      if (!entries)
        return emitError(binary.getLoc())
               << "expected a fatbin as CUDA's `fatbinary` writes it for " << object.getTarget();
      fatbins.push_back({target.getChip(), std::move(*entries)});
    }
    gpu::ObjectAttr first = objects.front();
    Builder b(binary.getContext());
    auto joined =
        gpu::ObjectAttr::get(b.getContext(), first.getTarget(), first.getFormat(),
                             b.getStringAttr(joinEntries(fatbins, first.getObject().getValue())),
                             first.getProperties(), first.getKernels());
    binary.setObjectsAttr(b.getArrayAttr({joined}));
    return success();
  }
};
} // namespace
