// RUN: abn-opt %s --split-input-file --pass-pipeline='builtin.module(gpu.module(abn-instrument-kernels,canonicalize))' -o %t.once
// RUN: FileCheck %s --input-file=%t.once
// A second run changes nothing.
// RUN: abn-opt %t.once --split-input-file --pass-pipeline='builtin.module(gpu.module(abn-instrument-kernels))' | diff %t.once -

// One line per op, in order; the calls have the line's number.
// CHECK-LABEL: gpu.module @scalars
// CHECK: llvm.mlir.global external constant @abn_emulator_sites("memref.load at {{.*}}instrument-kernels.mlir:[[#@LINE+26]]\0Amemref.store at {{.*}}instrument-kernels.mlir:[[#@LINE+27]]\0Amemref.atomic_rmw at {{.*}}\0A")
// CHECK: llvm.func @abn_emulator_access(i64, i32, i32, i32, i32, i1, i32)
gpu.module @scalars {
  // The address is the base's plus 2 * (i * 8 + j), and each index is below its dimension.
  // CHECK-LABEL: gpu.func @load_store
  // CHECK-SAME: (%[[X:[^:]+]]: memref<4x8xf16>, %[[I:[^:]+]]: index, %[[J:[^:]+]]: index
  // CHECK-DAG: %[[C1:.+]] = arith.constant 1 : i32
  // CHECK-DAG: %[[C2:.+]] = arith.constant 2 : i32
  // CHECK-DAG: %[[C0:.+]] = arith.constant 0 : i32
  // CHECK-DAG: %[[ROWS:.+]] = arith.constant 4 : index
  // CHECK-DAG: %[[COLUMNS:.+]] = arith.constant 8 : index
  // CHECK-DAG: %[[BYTES:.+]] = arith.constant 2 : index
  // CHECK: %[[ROW:.+]] = arith.muli %[[I]], %[[COLUMNS]]
  // CHECK: %[[IN_ROWS:.+]] = arith.cmpi ult, %[[I]], %[[ROWS]]
  // CHECK: %[[POSITION:.+]] = arith.addi %[[ROW]], %[[J]]
  // CHECK: %[[IN_COLUMNS:.+]] = arith.cmpi ult, %[[J]], %[[COLUMNS]]
  // CHECK: %[[INSIDE:.+]] = arith.andi %[[IN_ROWS]], %[[IN_COLUMNS]]
  // CHECK: %[[BASE:.+]] = memref.extract_aligned_pointer_as_index %[[X]]
  // CHECK: %[[OFFSET:.+]] = arith.muli %[[POSITION]], %[[BYTES]]
  // CHECK: %[[SUM:.+]] = arith.addi %[[BASE]], %[[OFFSET]]
  // CHECK: %[[ADDRESS:.+]] = arith.index_cast %[[SUM]] : index to i64
  // CHECK: llvm.call @abn_emulator_access(%[[ADDRESS]], %[[C2]], %[[C2]], %[[C0]], %[[C0]], %[[INSIDE]], %[[C1]])
  // CHECK-NEXT: memref.load
  // CHECK: llvm.call @abn_emulator_access(%{{.+}}, %[[C2]], %[[C2]], %[[C1]], %[[C0]], %{{.+}}, %[[C2]])
  // CHECK-NEXT: memref.store
  gpu.func @load_store(%x: memref<4x8xf16>, %i: index, %j: index) kernel {
    %v = memref.load %x[%i, %j] : memref<4x8xf16>
    memref.store %v, %x[%i, %j] : memref<4x8xf16>
    gpu.return
  }
  // Workgroup memory is space 3, an atomic update kind 2. A memref without dimensions has no bounds.
  // CHECK-LABEL: gpu.func @atomic
  // CHECK-DAG: %[[KIND:.+]] = arith.constant 2 : i32
  // CHECK-DAG: %[[THREE:.+]] = arith.constant 3 : i32
  // CHECK-DAG: %[[TRUE:.+]] = arith.constant true
  // CHECK: llvm.call @abn_emulator_access(%{{.+}}, %{{.+}}, %{{.+}}, %[[KIND]], %[[THREE]], %[[TRUE]], %[[THREE]])
  // CHECK-NEXT: memref.atomic_rmw
  gpu.func @atomic(%v: f32)
      workgroup(%sum: memref<f32, #gpu.address_space<workgroup>>) kernel {
    %old = memref.atomic_rmw addf %v, %sum[] : (f32, memref<f32, #gpu.address_space<workgroup>>) -> f32
    gpu.return
  }
}

// -----

// CHECK-LABEL: gpu.module @vectors
gpu.module @vectors {
  // The first and the last element are inside; the promised alignment is passed on.
  // CHECK-LABEL: gpu.func @wide
  // CHECK-SAME: (%{{.+}}: memref<?xf32>, %[[I:[^:]+]]: index
  // CHECK-DAG: %[[C16:.+]] = arith.constant 16 : i32
  // CHECK-DAG: %[[C4:.+]] = arith.constant 4 : i32
  // CHECK-DAG: %[[C3:.+]] = arith.constant 3 : index
  // CHECK: %[[FIRST:.+]] = arith.cmpi ult, %[[I]], %[[SIZE:.+]] : index
  // CHECK: %[[LAST:.+]] = arith.addi %[[I]], %[[C3]]
  // CHECK: %[[IN:.+]] = arith.cmpi ult, %[[LAST]], %[[SIZE]]
  // CHECK: %[[INSIDE:.+]] = arith.andi %[[FIRST]], %[[IN]]
  // CHECK: llvm.call @abn_emulator_access(%{{.+}}, %[[C16]], %[[C16]], %{{.+}}, %{{.+}}, %[[INSIDE]], %{{.+}})
  // CHECK-NEXT: vector.load
  // CHECK: llvm.call @abn_emulator_access(%{{.+}}, %[[C16]], %[[C4]],
  // CHECK-NEXT: vector.store
  gpu.func @wide(%x: memref<?xf32>, %i: index) kernel {
    %v = vector.load %x[%i] {alignment = 16 : i64} : memref<?xf32>, vector<4xf32>
    vector.store %v, %x[%i] : memref<?xf32>, vector<4xf32>
    gpu.return
  }
  // One access per lane, of no bytes where the mask is off.
  // CHECK-LABEL: gpu.func @masked
  // CHECK-SAME: %[[MASK:[^:]+]]: vector<2xi1>
  // CHECK: %[[LANE:.+]] = vector.extract %[[MASK]][0]
  // CHECK: %[[COUNT:.+]] = arith.select %[[LANE]], %{{.+}}, %{{.+}} : i32
  // CHECK: llvm.call @abn_emulator_access(%{{.+}}, %[[COUNT]],
  // CHECK: vector.extract %[[MASK]][1]
  // CHECK: llvm.call @abn_emulator_access
  // CHECK-NEXT: vector.maskedload
  gpu.func @masked(%x: memref<?xf32>, %i: index, %mask: vector<2xi1>, %other: vector<2xf32>,
                   %y: memref<2xf32>) kernel {
    %c0 = arith.constant 0 : index
    %v = vector.maskedload %x[%i], %mask, %other : memref<?xf32>, vector<2xi1>, vector<2xf32> into vector<2xf32>
    vector.store %v, %y[%c0] : memref<2xf32>, vector<2xf32>
    gpu.return
  }
}

// -----

// Branches, and where threads wait.
// CHECK-LABEL: gpu.module @control
// CHECK: @abn_emulator_sites("cf.cond_br at {{.*}}\0Agpu.barrier at {{.*}}\0Agpu.shuffle at {{.*}}\0Acf.assert at
gpu.module @control {
  // CHECK-LABEL: gpu.func @branch
  // CHECK-SAME: %[[CONDITION:[^:]+]]: i1
  // CHECK: llvm.call @abn_emulator_branch(%{{.+}}, %[[CONDITION]])
  // CHECK-NEXT: cf.cond_br
  // CHECK: llvm.call @abn_emulator_site
  // CHECK-NEXT: gpu.barrier
  // CHECK: llvm.call @abn_emulator_site
  // CHECK-NEXT: gpu.shuffle
  // CHECK: llvm.call @abn_emulator_site
  // CHECK-NEXT: cf.assert
  gpu.func @branch(%condition: i1, %v: f32, %x: memref<f32>) kernel {
    %one = arith.constant 1 : i32
    %w = arith.constant 32 : i32
    cf.cond_br %condition, ^then, ^end
  ^then:
    gpu.barrier
    cf.br ^end
  ^end:
    %s, %p = gpu.shuffle xor %v, %one, %w : f32
    cf.assert %p, "no such lane"
    gpu.return
  }
}
