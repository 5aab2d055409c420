// Activations on tiny arrays: the attribute's own formulas are emitted once and interpreted.
#ifndef ABN_LIB_RECOGNIZE_ACTIVATIONBODIES_H
#define ABN_LIB_RECOGNIZE_ACTIVATIONBODIES_H

#include "abn/AbnDialect.h"
#include "abn/Recognize/TinyArray.h"
#include "mlir/IR/Block.h"
#include <map>
#include <optional>

namespace mlir::abn {

class ActivationBodies {
public:
  enum class Form { Apply, Derivative, Invert, DerivativeFromOutput };

  /// phi, its derivative or its inverse of every element, in `arena`; `params` have the rank of
  /// `input`.
  TinyArray evaluate(ActivationAttrInterface phi, Form form, const TinyArray &input,
                     ArrayRef<TinyArray> params, ArrayArena &arena);

private:
  /// The formula as a list of ops, whose operands and results are slots.
  struct Instruction {
    Operation *op;
    std::optional<double> constant;
    SmallVector<unsigned, 3> operands;
  };
  struct Body {
    std::unique_ptr<Block> block;
    SmallVector<Instruction, 0> instructions;
    unsigned result;
  };
  const Body &get(ActivationAttrInterface phi, Form form);

  std::map<std::pair<const void *, Form>, Body> bodies;
  ArrayArena scratch;
  SmallVector<TinyArray, 0> slots;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_ACTIVATIONBODIES_H
