#include "StubDialects.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/DialectRegistry.h"

using namespace mlir;

namespace {
/// A dialect that accepts any op, attribute and type under its name; attributes and types stay
/// opaque text, as they would without the stub. The name is a member of the derived class, so that
/// each stub has a TypeID of its own.
template <typename Self> struct StubDialect : Dialect {
  explicit StubDialect(MLIRContext *context)
      : Dialect(Self::getDialectNamespace(), context, TypeID::get<Self>()) {
    allowUnknownOperations();
    allowUnknownTypes();
  }

  Attribute parseAttribute(DialectAsmParser &parser, Type type) const override {
    MLIRContext *context = getContext();
    return OpaqueAttr::get(StringAttr::get(context, getNamespace()), parser.getFullSymbolSpec(),
                           type ? type : NoneType::get(context));
  }
  Type parseType(DialectAsmParser &parser) const override {
    return OpaqueType::get(StringAttr::get(getContext(), getNamespace()),
                           parser.getFullSymbolSpec());
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
