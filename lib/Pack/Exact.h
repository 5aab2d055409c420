// Closes the gap between a placement and the lower bound of a component, as far as the node limit
// goes.
#ifndef ABN_LIB_PACK_EXACT_H
#define ABN_LIB_PACK_EXACT_H

#include "Heuristics.h"

namespace abn::pack {

/// Components with more items are left to the heuristics.
constexpr size_t kMaxExactItems = 1500;

/// Searches for an arena of at most `target`, or if there is none and not `onlyTarget`, for the
/// least. Improves the placement, raises the instance's lower bound, counts the nodes.
void searchExact(Instance &instance, int64_t target, bool onlyTarget, int64_t nodeLimit,
                 Placement &best, int64_t &nodes);

} // namespace abn::pack

#endif // ABN_LIB_PACK_EXACT_H
