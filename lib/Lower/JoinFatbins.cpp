// abn-join-fatbins: one fatbin for several chips. gpu-module-to-binary makes an object for each,
// and translation to LLVM IR embeds the first alone.
#include "abn/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
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

/// All machine code, and the PTX of the newest architecture, from which drivers compile for chips
/// that are newer still.
static std::string joinEntries(ArrayRef<SmallVector<Entry>> fatbins, StringRef firstHeader) {
  uint32_t newest = 0;
  for (const SmallVector<Entry> &entries : fatbins)
    for (const Entry &entry : entries)
      newest = std::max(newest, entry.architecture);
  std::string joined = firstHeader.take_front(kHeaderBytes).str();
  for (const SmallVector<Entry> &entries : fatbins)
    for (const Entry &entry : entries)
      if (entry.kind != kPtx || entry.architecture == newest)
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
    SmallVector<SmallVector<Entry>> fatbins;
    auto objects = llvm::to_vector(binary.getObjects().getAsRange<gpu::ObjectAttr>());
    for (gpu::ObjectAttr object : objects) {
      if (object.getFormat() != gpu::CompilationTarget::Fatbin ||
          !isa<NVVM::NVVMTargetAttr>(object.getTarget()))
        return success();
      auto entries = readFatbin(object.getObject().getValue());
      if (!entries)
        return emitError(binary.getLoc())
               << "expected a fatbin as CUDA's `fatbinary` writes it for " << object.getTarget();
      fatbins.push_back(std::move(*entries));
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
