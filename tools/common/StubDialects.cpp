#include "StubDialects.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;

namespace {
/// A dialect that accepts any op and type under its name. The name is a member of the derived
/// class, so that each stub has a TypeID of its own.
template <typename Self>
struct StubDialect : Dialect {
  explicit StubDialect(MLIRContext *context)
      : Dialect(Self::getDialectNamespace(), context, TypeID::get<Self>()) {
    allowUnknownOperations();
    allowUnknownTypes();
  }
};

struct AtenStub : StubDialect<AtenStub> {
  using StubDialect::StubDialect;
  static constexpr StringLiteral getDialectNamespace() { return StringLiteral("aten"); }
};
struct StablehloStub : StubDialect<StablehloStub> {
  using StubDialect::StubDialect;
  static constexpr StringLiteral getDialectNamespace() { return StringLiteral("stablehlo"); }
};
struct ChloStub : StubDialect<ChloStub> {
  using StubDialect::StubDialect;
  static constexpr StringLiteral getDialectNamespace() { return StringLiteral("chlo"); }
};
struct MhloStub : StubDialect<MhloStub> {
  using StubDialect::StubDialect;
  static constexpr StringLiteral getDialectNamespace() { return StringLiteral("mhlo"); }
};
} // namespace

void abn::registerStubDialects(DialectRegistry &registry) {
  registry.insert<AtenStub, StablehloStub, ChloStub, MhloStub>();
}
