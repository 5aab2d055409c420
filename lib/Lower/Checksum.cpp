// The comparison and the assertion of gamma policy `check`; see Checksum.h.
#include "Checksum.h"
#include "abn/AbnDialect.h"

using namespace mlir;
using namespace mlir::abn;

/// The source position that `loc` holds, else its name, else nothing.
static std::string describeLocation(Location loc) {
  std::string name, position;
  llvm::raw_string_ostream positionStream(position);
  loc->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner)) {
      if (name.empty())
        name = named.getName().str();
    } else if (auto file = dyn_cast<FileLineColLoc>(inner)) {
      if (position.empty())
        positionStream << file.getFilename().getValue() << ':' << file.getLine() << ':'
                       << file.getColumn();
    }
    return WalkResult::advance();
  });
  return position.empty() ? name : position;
}

/// "abn: chain NAME (source): ...". A chain without a name is its source position.
static std::string getMessage(Operation *op) {
  std::string source = describeLocation(op->getLoc());
  auto chain = op->getAttrOfType<StringAttr>(AbnDialect::kChainAttr);
  std::string message = "abn: chain ";
  if (chain && !chain.empty())
    message += chain.str() + (source.empty() ? "" : " (" + source + ")");
  else
    message += source.empty() ? "without a name" : source;
  return message + ": what was recovered from its stored output does not have the statistics of "
                   "the batch: gamma near 0, a saturated activation, a cancelled sum or an "
                   "overwritten buffer";
}

/// |difference| <= max(bound, slack/sqrt(count)), false for NaN.
static Value isWithin(ScalarBuilder &s, Value difference, Value count, double bound, double slack) {
  Value tolerance = s.atLeast(s.div(s.constant(slack), s.sqrt(count)), bound);
  return s.lessEqual(s.abs(difference), tolerance);
}

void mlir::abn::emitChecksum(ChannelNest &nest, Operation *op, Value sum, Value sumOfSquares,
                             Value variance, double epsilon, Type storage) {
  ChecksumTolerance tolerance = getChecksumTolerance(storage);
  auto holds = [&](ScalarBuilder &s, Elements &e) -> Value {
    Value count = nest.count(s);
    Value mean = s.div(e(sum), count);
    // With epsilon 0 a constant channel has no xhat: 0/0. Its share is taken as 0.
    Value denominator = s.atLeast(s.add(e(variance), epsilon), s.smallestNormal());
    Value expected = s.div(e(variance), denominator);
    Value square = s.sub(s.div(e(sumOfSquares), count), expected);
    return arith::AndIOp::create(
        s.getBuilder(), s.getLoc(), isWithin(s, mean, count, tolerance.mean, tolerance.meanSlack),
        isWithin(s, square, count, tolerance.square, tolerance.squareSlack));
  };
  nest.check({sum, sumOfSquares, variance}, holds, getMessage(op));
}
