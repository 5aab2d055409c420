// Names from the attributes and locations that JAX and TensorFlow write.
#include "Names.h"
#include "abn/AbnDialect.h"

using namespace mlir;
using namespace mlir::abn;
using namespace mlir::abn::hlo;

bool mlir::abn::hlo::isFrontEndAttribute(StringRef name) {
  for (StringRef dialect : {"jax.", "mhlo.", "sdy.", "stablehlo.", "tf."})
    if (name.starts_with(dialect))
      return true;
  return false;
}

static StringAttr nameOfLocation(Location loc) {
  StringAttr name;
  loc->walk([&](Location inner) {
    auto named = dyn_cast<NameLoc>(inner);
    if (!named)
      return WalkResult::advance();
    name = named.getName();
    return WalkResult::interrupt();
  });
  return name && !name.empty() ? name : StringAttr();
}

/// The attributes without the front end's, and with a name if there is one.
static DictionaryAttr rename(DictionaryAttr attrs, ArrayRef<StringRef> sources, StringAttr fallback,
                             MLIRContext *context) {
  NamedAttrList kept;
  StringAttr name;
  if (attrs) {
    for (StringRef source : sources)
      if (auto text = attrs.getAs<StringAttr>(source); text && !text.empty() && !name)
        name = text;
    for (NamedAttribute attr : attrs)
      if (!isFrontEndAttribute(attr.getName()))
        kept.append(attr);
  }
  if (!name)
    name = fallback;
  if (name && !kept.get(AbnDialect::kNameAttr))
    kept.append(AbnDialect::kNameAttr, StringAttr::get(context, name.getValue()));
  return kept.getDictionary(context);
}

void mlir::abn::hlo::nameArgumentsAndResults(func::FuncOp function) {
  MLIRContext *context = function.getContext();
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    function.setArgAttrs(i, rename(function.getArgAttrDict(i), {"jax.arg_info", "tf.name"},
                                   nameOfLocation(argument.getLoc()), context));
  }
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    function.setResultAttrs(
        i, rename(function.getResultAttrDict(i), {"jax.result_info"}, StringAttr(), context));
}
