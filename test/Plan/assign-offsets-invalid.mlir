// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-assign-offsets

// What is live together does not fit in 64 bits.
func.func @too_large() {
  %size = arith.constant 6000000000000000000 : index
  // expected-error @+1 {{the arena does not fit in 64 bits}}
  %arena, %offsets:2 = abn.pack lifetimes([0, 1, 0, 1]) sizes(%size, %size) : index, index
  return
}

// -----

// A budget that the planner promised to keep, for offsets that are multiples of less.
func.func @above_budget() attributes {abn.plan = {budget_bytes = 299 : i64}} {
  %size = arith.constant 100 : index
  // expected-error @+1 {{the arena of 356 bytes is above the budget of 299 bytes that the plan was to keep}}
  %arena, %offsets:2 = abn.pack lifetimes([0, 1, 0, 1]) sizes(%size, %size) : index, index
  return
}
