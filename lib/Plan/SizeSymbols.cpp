// Sizes as sums of products; see SizeSymbols.h.
#include "SizeSymbols.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::abn;

SizeSymbols::Polynomial SizeSymbols::read(Value size) {
  Polynomial result;
  if (std::optional<int64_t> constant = getConstantIntValue(size)) {
    result[{}] = *constant;
    return result;
  }
  if (auto product = size.getDefiningOp<arith::MulIOp>()) {
    for (const auto &[left, a] : read(product.getLhs()))
      for (const auto &[right, b] : read(product.getRhs())) {
        Product both = left;
        both.insert(both.end(), right.begin(), right.end());
        std::sort(both.begin(), both.end());
        result[both] += a * b;
      }
  } else if (auto sum = size.getDefiningOp<arith::AddIOp>()) {
    for (Value term : sum->getOperands())
      for (const auto &[key, coefficient] : read(term))
        result[key] += coefficient;
  }
  auto isNegative = [](const auto &term) { return term.second < 0; };
  if (!result.empty() && std::none_of(result.begin(), result.end(), isNegative))
    return result;
  auto atom = atoms.try_emplace(size, atoms.size()).first;
  return {{Product{atom->second}, 1}};
}

unsigned SizeSymbols::getSymbol(const Product &product) {
  auto found = std::find(symbols.begin(), symbols.end(), product);
  if (found == symbols.end())
    found = symbols.insert(found, product);
  return found - symbols.begin();
}

std::vector<plan::Form> SizeSymbols::read(ValueRange sizes) {
  std::vector<plan::Form> forms;
  for (Value size : sizes) {
    plan::Form form;
    for (const auto &[product, coefficient] : read(size)) {
      unsigned symbol = getSymbol(product);
      form.resize(std::max<size_t>(form.size(), symbol + 1));
      form[symbol] = coefficient;
    }
    forms.push_back(std::move(form));
  }
  for (plan::Form &form : forms)
    form.resize(symbols.size());
  return forms;
}

std::vector<int64_t> SizeSymbols::evaluate(int64_t size) const {
  std::vector<int64_t> values;
  for (const Product &product : symbols)
    values.push_back(std::accumulate(product.begin(), product.end(), int64_t(1),
                                     [&](int64_t value, unsigned) { return value * size; }));
  return values;
}

SmallVector<Value> SizeSymbols::materialize(OpBuilder &b, Location loc) const {
  SmallVector<Value> values;
  for (const Product &product : llvm::ArrayRef(symbols).drop_front()) {
    Value value;
    for (unsigned factor : product) {
      Value atom = atoms.begin()[factor].first;
      value = value ? arith::MulIOp::create(b, loc, value, atom).getResult() : atom;
    }
    values.push_back(value);
  }
  return values;
}
