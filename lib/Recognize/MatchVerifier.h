// The two guards behind the search: the equations of a match must hold at other scales of the
// inputs, and every piecewise op that the match would replace must have shown all of its outcomes.
#ifndef ABN_LIB_RECOGNIZE_MATCHVERIFIER_H
#define ABN_LIB_RECOGNIZE_MATCHVERIFIER_H

#include "ActivationBodies.h"
#include "abn/Recognize/BatchNormSearch.h"

namespace mlir::abn {

class MatchVerifier {
public:
  MatchVerifier(Evaluation &evaluation, const ValueTables &tables,
                std::vector<BatchNormMatch> &matches, ActivationBodies &bodies);

  /// Checks all matches on another evaluation of the same function; one that fails gets its
  /// `problem`.
  void check(Evaluation &other);
  /// Compares copies on an evaluation that rounds casts to f16 and bf16.
  void dropRoundedCopies(Evaluation &other);
  /// Call after all checks: matches that would replace an op with an outcome that was never seen
  /// fail.
  void checkBranches();

private:
  ArrayRef<double> contents(Evaluation &other, unsigned value, const FullClass &layout);
  ChannelRow row(Evaluation &other, unsigned value, size_t size);
  std::string findMismatch(Evaluation &other, BatchNormMatch &match);
  void narrowGradients(Evaluation &other, const MatchMath &math, const BatchNormMatch &match,
                       BatchNormMatch &original);
  std::string findBackwardMismatch(Evaluation &other, const BatchNormMatch &match,
                                   const MatchMath &math, ArrayRef<double> xs, ArrayRef<double> ys);
  void dropUnequalCopies(Evaluation &other, BatchNormMatch &match);
  void narrowParameters(Evaluation &other, BatchNormMatch &match);
  SmallVector<unsigned> collectRegion(ArrayRef<unsigned> roots,
                                      llvm::SmallDenseSet<unsigned, 64> visited);
  std::optional<unsigned> findUnseen(const BatchNormMatch &match);
  std::optional<unsigned> findUnseen(const BatchNormMatch &match, ArrayRef<unsigned> roots,
                                     const llvm::SmallDenseSet<unsigned, 64> &stops);
  void dropUnseenCopies(BatchNormMatch &match);
  bool isExempt(const BatchNormMatch &match, const Branch &branch);
  void recordBranches(const Evaluation &other);

  Evaluation &evaluation;
  const ValueTables &tables;
  std::vector<BatchNormMatch> &matches;
  ActivationBodies &bodies;
  /// By value: which outcomes of its piecewise ops any evaluation showed.
  llvm::DenseMap<unsigned, SmallVector<std::pair<bool, bool>, 1>> seen;
};

} // namespace mlir::abn

#endif // ABN_LIB_RECOGNIZE_MATCHVERIFIER_H
