// RUN: abn-opt %s --verify-diagnostics --abn-assign-offsets

// What is live together does not fit in 64 bits.
func.func @too_large() {
  %size = arith.constant 6000000000000000000 : index
  // expected-error @+1 {{the arena does not fit in 64 bits}}
  %arena, %offsets:2 = abn.pack lifetimes([0, 1, 0, 1]) sizes(%size, %size) : index, index
  return
}
