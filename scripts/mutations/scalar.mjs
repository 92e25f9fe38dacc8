/** Faults of the scalar kernels, and of what chooses them. */

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const SCALAR = [
  {
    what: 'the scalar product loses its last column but one',
    file: 'assembly/scalar/gemm.ts',
    search: 's6 += x * load<f32>(panel, 24)',
    replace: 's6 += x * load<f32>(panel, 28)',
    tests: ['test/assembly/gemm.test.ts'],
  },
  {
    what: 'the scalar residual is not moved to the next row',
    file: 'assembly/scalar/gemm.ts',
    search: 'if (residual != 0) residual += ldResidual;',
    replace: '',
    tests: ['test/assembly/gemm.test.ts'],
  },
  {
    what: 'the scalar weights of a pair are swapped',
    file: 'assembly/scalar/gemm-i8.ts',
    search: 's3 += x * <i32>load<i8>(weights, 6) + y * <i32>load<i8>(weights, 7)',
    replace: 's3 += y * <i32>load<i8>(weights, 6) + x * <i32>load<i8>(weights, 7)',
    tests: ['test/assembly/gemm-i8.test.ts'],
  },
  {
    what: 'scalar activations take a level more than their sums have room for',
    file: 'assembly/scalar/gemm-i8.ts',
    search: 'min(4095, i32.MAX_VALUE / (127 * k))',
    replace: 'min(4096, i32.MAX_VALUE / (127 * k))',
    tests: ['test/assembly/i8-rows.test.ts'],
  },
  {
    what: 'scalar attention forgets its scale',
    file: 'assembly/scalar/attention.ts',
    search: 'headDim) * scale + load<f32>(at(maskBias, j))',
    replace: 'headDim) + load<f32>(at(maskBias, j))',
    tests: ['test/assembly/attention.test.ts'],
  },
  {
    what: 'the scalar exponential lets a NaN be a number',
    file: 'assembly/scalar/math.ts',
    search: 'if (x < -88) x = -88;',
    replace: 'if (!(x >= -88)) x = -88;',
    tests: ['test/assembly/softmax.test.ts', 'test/assembly/activation.test.ts'],
  },
  {
    what: 'the scalar layer norm forgets eps',
    file: 'assembly/scalar/layer-norm.ts',
    search: 'squares / cols + eps',
    replace: 'squares / cols',
    tests: ['test/assembly/layer-norm.test.ts'],
  },
  {
    what: 'an engine that refuses to compile is taken for one without SIMD',
    file: 'src/engine/builds.ts',
    search: 'if (refused !== undefined) return',
    replace: 'if (refused === null) return',
    tests: ['test/engine/builds.test.ts'],
  },
  {
    what: 'JavaScript kernels are given a memory of WebAssembly',
    file: 'src/engine/runtime.ts',
    search: "script ? 'javascript' : shared",
    replace: 'shared',
    tests: ['test/engine/builds.test.ts'],
  },
  {
    what: 'the kernel library leaves what a call has claimed',
    file: 'src/kernel-library/products.ts',
    search: '    memory.release(before);\n',
    replace: '',
    tests: ['test/kernel-library/library.test.ts'],
  },
  {
    what: 'a packed matrix takes a gap that is too small',
    file: 'src/kernel-library/packed.ts',
    search: '>= aligned(bytes)',
    replace: '>= aligned(bytes) / 2',
    tests: ['test/kernel-library/library.test.ts'],
  },
];
