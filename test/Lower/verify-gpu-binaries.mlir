// RUN: abn-opt %s --split-input-file --verify-diagnostics --abn-verify-gpu-binaries

// What the driver has itself is not missed.
gpu.binary @complete [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".extern .func __assertfail\0A(\0A);\0A.visible .entry scale() { ret; }">]

// -----

// expected-error @below {{calls __nv_expf, __nv_erff, which is in the vendor's device library: pass the toolkit's folder as `toolkit`}}
gpu.binary @open [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = ".extern .func  (.param .b32 func_retval0) __nv_expf\0A(\0A.param .b32 __nv_expf_param_0\0A)\0A;\0A.extern .func __assertfail\0A(\0A);\0A.extern .func  (.param .b32 func_retval0) __nv_erff\0A(\0A)\0A;">]
