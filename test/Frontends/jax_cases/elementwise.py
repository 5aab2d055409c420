"""Elementwise operations: one scalar op each, in every type."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax_harness import booleans, case, integers, normal, uniform, values

ALL = ("f64", "f32", "f16", "bf16")
SPECIAL = values(0.0, -0.0, 1.5, -2.5, 0.5, np.inf, -np.inf, np.nan, 3.0)


def unary(name, function, x=None, dtypes=("f64", "f32"), **options):
    return case(name, function, x or normal(3, 5), dtypes=dtypes, **options)


UNARY = [
    unary("abs", jnp.abs, dtypes=ALL),
    unary("abs of integers", jnp.abs, integers(-9, 9, 11)),
    unary("negate of integers", jnp.negative, integers(-9, 9, 11)),
    unary("cbrt", jnp.cbrt),
    unary("ceil", jnp.ceil, SPECIAL),
    unary("floor", jnp.floor, SPECIAL),
    unary("cosine", jnp.cos),
    unary("sine", jnp.sin),
    unary("tan", jnp.tan),
    unary("exp", jnp.exp, dtypes=ALL),
    unary("expm1", jnp.expm1, dtypes=ALL),
    unary("log", jnp.log, uniform(0.1, 4, 7), dtypes=ALL),
    unary("log1p", jnp.log1p, uniform(-0.5, 4, 7), dtypes=ALL),
    unary("logistic", lax.logistic, dtypes=ALL),
    unary("negate", jnp.negative, dtypes=ALL),
    unary("rsqrt", lax.rsqrt, uniform(0.1, 4, 7), dtypes=ALL),
    unary("sqrt", jnp.sqrt, uniform(0.1, 4, 7), dtypes=ALL),
    unary("tanh", jnp.tanh, dtypes=ALL),
    unary("square", jnp.square, dtypes=ALL),
    unary("integer power", lambda x: x**3),
    unary("sign", jnp.sign, SPECIAL, dtypes=ALL),
    unary("sign of integers", jnp.sign, integers(-3, 3, 11)),
    unary("round to even", jnp.round, values(0.5, 1.5, 2.5, -0.5, -1.5, 2.4)),
    unary("round away", lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), values(0.5, 1.5, -0.5, 2.4)),
    unary("is finite", jnp.isfinite, SPECIAL),
    unary("is infinite", jnp.isinf, SPECIAL),
    unary("is nan", jnp.isnan, SPECIAL),
    unary("erf", lax.erf),
    unary("erfc", lax.erfc),
    unary("erf inv", lax.erf_inv, uniform(-0.95, 0.95, 9), tolerance=2e-6),
    unary("erf inv at the ends", lax.erf_inv, values(1.0, -1.0, 0.0), tolerance=2e-6),
    unary("acos", jnp.arccos, uniform(-0.9, 0.9, 7)),
    unary("asin", jnp.arcsin, uniform(-0.9, 0.9, 7)),
    unary("atan", jnp.arctan),
    unary("acosh", jnp.arccosh, uniform(1.1, 4, 7)),
    unary("asinh", jnp.arcsinh),
    unary("atanh", jnp.arctanh, uniform(-0.9, 0.9, 7)),
    unary("cosh", jnp.cosh),
    unary("sinh", jnp.sinh),
    unary("not of bools", jnp.logical_not, booleans(7)),
    unary("not of integers", jnp.bitwise_not, integers(-9, 9, 7)),
    unary("popcount", lax.population_count, integers(-9, 99, 7)),
    unary("leading zeros", lax.clz, integers(-9, 99, 7)),
    unary("reduce precision", lambda x: lax.reduce_precision(x, 8, 7), dtypes=("f32",), tolerance=1e-2),
    unary("real", jnp.real),
    unary("bitcast", lambda x: lax.bitcast_convert_type(x, jnp.int32), dtypes=("f32",), bits=True),
    unary("bitcast to unsigned", lambda x: lax.bitcast_convert_type(x, jnp.uint32) >> 9, dtypes=("f32",), bits=True),
]

X, Y = normal(3, 5), normal(3, 5)
P, Q = uniform(0.5, 2, 3, 5), uniform(0.5, 2, 3, 5)
I, J = integers(-9, 9, 13), integers(-9, 9, 13)
U, V = integers(0, 2**32, 13, dtype=np.uint32), integers(0, 2**32, 13, dtype=np.uint32)
A, B = booleans(13), booleans(13)
NAN, OTHER = values(np.nan, 1.0, np.nan, -0.0, 2.0), values(1.0, np.nan, np.nan, 0.0, 2.0)


def compares(name, x, y, dtypes=("f64",)):
    def all_of(x, y):
        return x == y, x != y, x < y, x <= y, x > y, x >= y

    return case(f"compare {name}", all_of, x, y, dtypes=dtypes)


BINARY = [
    case("add", jnp.add, X, Y, dtypes=ALL),
    case("subtract", jnp.subtract, X, Y, dtypes=ALL),
    case("multiply", jnp.multiply, X, Y, dtypes=ALL),
    case("divide", jnp.divide, P, Q, dtypes=ALL),
    case("remainder", lax.rem, X, Q),
    case("maximum", jnp.maximum, X, Y, dtypes=ALL),
    case("minimum", jnp.minimum, X, Y, dtypes=ALL),
    case("maximum of nan", jnp.maximum, NAN, OTHER),
    case("minimum of nan", jnp.minimum, NAN, OTHER),
    case("power", jnp.power, P, Q),
    case("atan2", jnp.arctan2, X, Y),
    case("add integers", jnp.add, I, J),
    case("multiply integers", jnp.multiply, I, J),
    case("divide integers", lax.div, I, values(1, 2, -1, 3, -4, 5, 0, 7, -1, 2, 2, 0, 3, dtype=np.int32)),
    case("remainder integers", lax.rem, I, values(1, 2, -1, 3, -4, 5, 9, 7, -1, 2, 2, 4, 3, dtype=np.int32)),
    case("maximum integers", jnp.maximum, I, J),
    case("add unsigned", jnp.add, U, V),
    case("divide unsigned", lax.div, U, integers(1, 2**31, 13, dtype=np.uint32)),
    case("remainder unsigned", lax.rem, U, integers(1, 2**31, 13, dtype=np.uint32)),
    case("maximum unsigned", jnp.maximum, U, V),
    case("minimum unsigned", jnp.minimum, U, V),
    case("logic", lambda a, b: (a & b, a | b, a ^ b), A, B),
    case("add and multiply bools", lambda a, b: (jnp.logical_or(a, b), a * b, jnp.maximum(a, b)), A, B),
    case("bitwise", lambda a, b: (a & b, a | b, a ^ b), I, J),
    case("shift left", lax.shift_left, I, integers(0, 40, 13)),
    case("shift right", lax.shift_right_arithmetic, I, integers(0, 40, 13)),
    case("shift right logical", lax.shift_right_logical, I, integers(0, 40, 13)),
    compares("floats", values(1.0, 2.0, np.nan, 0.0), values(1.0, 3.0, np.nan, -0.0), dtypes=ALL),
    compares("integers", I, J),
    compares("unsigned", U, V),
    compares("bools", A, B),
    case("broadcasting", lambda x, y: x + y, X, normal(5)),
    case("scalars", lambda x, y: x * y, normal(), normal()),
]

OTHERS = [
    case("select", lambda c, x, y: jnp.where(c, x, y), booleans(3, 5), X, Y, dtypes=ALL),
    case("select by a scalar", lambda c, x, y: lax.select(c, x, y), booleans(), X, Y),
    case("clamp", lambda x: jnp.clip(x, -0.5, 0.5), X, dtypes=ALL),
    case("clamp by tensors", lambda x, y: lax.clamp(-jnp.abs(y), x, jnp.abs(y)), X, Y),
    case("clamp by scalars", lambda x: lax.clamp(x.dtype.type(-1), x, x.dtype.type(0.3)), normal(3, 5, grad=False)),
    case("clamp unsigned", lambda x: lax.clamp(jnp.uint32(5), x, jnp.uint32(2**31 + 7)), U),
    case("leaky relu", lambda x: jax.nn.leaky_relu(x), X, dtypes=ALL),
    case("elu", jax.nn.elu, X),
    case("softplus", jax.nn.softplus, X),
    case("gelu", jax.nn.gelu, X),
    case("silu", jax.nn.silu, X),
    case("relu6", jax.nn.relu6, normal(5, 7, scale=4)),
    case("log softmax", jax.nn.log_softmax, X, dtypes=("f64", "f32")),
    case("barrier", lambda x: lax.optimization_barrier(x * 2) + 1, X),
    case("stop gradient", lambda x: x * lax.stop_gradient(x), X),
    case("checkpoint", jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), X),
    case("nested calls", jax.jit(lambda x: jax.jit(jnp.sin)(x) + jax.jit(jnp.cos)(x)), X),
    case("constants", lambda x: x + np.arange(15.0).reshape(3, 5).astype(x.dtype), X),
]


def converts(name, x, to, **options):
    return case(f"convert {name}", lambda v: v.astype(to), x, **options)


CONVERSIONS = [
    converts("f64 to f32", X, jnp.float32),
    converts("f32 to f64", X, jnp.float64, dtypes=("f32",)),
    converts("f16 to bf16", X, jnp.bfloat16, dtypes=("f16",), tolerance=1.6e-2),
    converts("bf16 to f32", X, jnp.float32, dtypes=("bf16",)),
    converts("float to int", normal(9, scale=9, grad=False), jnp.int32, dtypes=("f64", "f32")),
    converts("float to bool", values(0.0, 1.0, -0.0, 0.3), jnp.bool_),
    converts("float to unsigned", uniform(0, 4e9, 9, grad=False), jnp.uint32),
    converts("int to float", I, jnp.float32),
    converts("unsigned to float", U, jnp.float64),
    converts("unsigned to wide", U, jnp.uint64),
    converts("unsigned to int", U, jnp.int64),
    converts("int to narrow", integers(-300, 300, 9), jnp.int8),
    converts("int to wide", I, jnp.int64),
    converts("bool to float", A, jnp.float64),
    converts("bool to int", A, jnp.int32),
    converts("int to bool", integers(-1, 2, 9), jnp.bool_),
]

CASES = [*UNARY, *BINARY, *OTHERS, *CONVERSIONS]
