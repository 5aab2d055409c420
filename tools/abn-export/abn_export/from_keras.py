"""`abn-export keras`: the training step of a Keras model, as Keras itself trains it, on JAX or TensorFlow.

Keras has the parts of the step as functions without side effects (`StatelessScope`, `stateless_apply`); here they
become one function (params, buffers, opt_state, x, y) -> (loss, params or their gradients, buffers, opt_state).
"""

import contextlib
import os
import sys

from . import ExportError, files, from_jax, options, userfile


def _import_keras(backend):
    """Keras chooses its back end when it is first imported."""
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # Of no effect on what is traced, but TensorFlow announces it on stderr.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    if backend == "tensorflow":
        try:
            with _quiet():
                import tensorflow  # noqa: F401
        except ImportError as error:
            raise ExportError(f"TensorFlow cannot be imported: {error}") from error
    try:
        # Keras imports TensorFlow where it finds it, whatever the back end.
        with _quiet():
            import keras
    except ImportError as error:
        raise ExportError(f"Keras cannot be imported: {error}") from error
    if keras.backend.backend() != backend:
        raise ExportError(f"Keras runs on {keras.backend.backend()} already, not on {backend}")
    return keras


@contextlib.contextmanager
def _quiet():
    """TensorFlow's C++ code writes to stderr before anything can be set: only what Python prints remains."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


class Spec:
    """The shape and type of an example array."""

    def __init__(self, array):
        self.shape, self.dtype = tuple(array.shape), str(getattr(array.dtype, "name", array.dtype))


class Trainer:
    """A compiled and built model, its variables by name, and the pieces of its step on whichever back end."""

    def __init__(self, keras, model, x, y, update):
        self.keras, self.model, self.update = keras, model, update
        self.x, self.y = keras.tree.map_structure(Spec, x), keras.tree.map_structure(Spec, y)
        if not model.built:
            tensors = keras.tree.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype), self.x)
            keras.backend.compute_output_spec(model, tensors)
        if update:
            model.optimizer.build(model.trainable_variables)
        self.params = _named(model.trainable_variables)
        self.buffers = _named(model.non_trainable_variables)
        self.opt_state = _named(model.optimizer.variables) if update else {}

    def loss(self, params, buffers, x, y):
        """(loss, new buffers) at values of the variables, given as dicts of their names."""
        pairs = [(v, params[n]) for n, v in self.params.items()] + [(v, buffers[n]) for n, v in self.buffers.items()]
        with self.keras.StatelessScope(state_mapping=pairs) as scope:
            output = self.model(x, training=True)
            loss = self.model.compute_loss(x=x, y=y, y_pred=output, training=True)
            new = {name: scope.get_current_value(variable) for name, variable in self.buffers.items()}
        return loss, {name: buffers[name] if value is None else value for name, value in new.items()}

    def apply(self, params, grads, opt_state):
        values = [opt_state[name] for name in self.opt_state]
        grads, old = [grads[name] for name in self.params], [params[name] for name in self.params]
        new, state = self.model.optimizer.stateless_apply(values, grads, old)
        return dict(zip(self.params, new)), dict(zip(self.opt_state, state))


def _named(variables):
    """name -> variable, as dotted paths; two of one name are numbered."""
    found = {}
    for variable in variables:
        base = name = variable.path.replace("/", ".")
        count = 0
        while name in found:
            count += 1
            name = f"{base}_{count}"
        found[name] = variable
    return found


def _jax_text(trainer, loss):
    jax = from_jax.import_jax()
    jax.clear_caches()

    def gradients(params, buffers, x, y):
        return jax.value_and_grad(trainer.loss, has_aux=True)(params, buffers, x, y)

    def step(params, buffers, opt_state, x, y):
        (value, buffers), grads = gradients(params, buffers, x, y)
        params, opt_state = trainer.apply(params, grads, opt_state)
        return value, params, buffers, opt_state

    def step_without_update(params, buffers, x, y):
        (value, buffers), grads = gradients(params, buffers, x, y)
        return value, grads, buffers

    abstract = lambda v: jax.ShapeDtypeStruct(tuple(v.shape), v.dtype)
    state = [
        {name: abstract(v) for name, v in variables.items()}
        for variables in (trainer.params, trainer.buffers, trainer.opt_state)
    ]
    x, y = (trainer.keras.tree.map_structure(abstract, value) for value in (trainer.x, trainer.y))
    from_jax.set_locations(jax)
    if trainer.update:
        return from_jax.text(jax, jax.jit(step, donate_argnums=(0, 1, 2)), (*state, x, y), {}, loss)
    return from_jax.text(jax, jax.jit(step_without_update), (*state[:2], x, y), {}, loss)


def _from_file(keras, name):
    made = userfile.call(name)
    shape = f"{name} must return (compiled model, (x, y)) or ((model, loss, optimizer), (x, y))"
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], (tuple, list)) and len(made[1]) == 2):
        raise ExportError(shape)
    model, (x, y) = made
    update = True
    if isinstance(model, tuple) and len(model) == 3 and isinstance(model[0], keras.Model):
        model, loss, optimizer = model
        update = optimizer is not None
        model.compile(loss=loss, **({"optimizer": optimizer} if update else {}))
    if not isinstance(model, keras.Model):
        raise ExportError(shape)
    if not model.compiled:
        raise ExportError(f"{name}: the model is not compiled (model.compile(optimizer, loss))")
    return model, x, y, update


def _optimizer(keras, given):
    rate = options.OPTIMIZERS[given.optimizer] if given.lr is None else given.lr
    if given.weight_decay:
        raise ExportError("--weight-decay: Keras' optimizers decay the weights apart from the gradients; use FILE.py")
    if given.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=given.momentum if given.optimizer == "sgd-momentum" else 0.0)


def _from_zoo(keras, name, given):
    applications = keras.applications
    known = [n for n in dir(applications) if n[0].isupper() and callable(getattr(applications, n))]
    if name not in known:
        raise userfile.unknown(name, known, "Keras")
    shape = (given.size, given.size, 3) if given.size else None
    model = getattr(applications, name)(weights=None, classifier_activation=None, input_shape=shape)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    update = given.optimizer != "none"
    model.compile(loss=loss, **({"optimizer": _optimizer(keras, given)} if update else {}))
    batch = given.batch or options.DEFAULT_BATCH
    image = keras.KerasTensor((batch, *model.input_shape[1:]))
    return model, image, keras.KerasTensor((batch,), "int32"), update


def export(name, given):
    if given.backend == "jax":
        from_jax.import_jax()
    keras = _import_keras(given.backend)
    # Keras numbers its layers over all models of a process.
    keras.utils.clear_session()
    made = _from_file(keras, name) if files.is_file_model(name) else _from_zoo(keras, name, given)
    trainer = Trainer(keras, *made)
    if given.backend == "jax":
        return _jax_text(trainer, given.loss)
    from . import tensorflow_step

    return tensorflow_step.text(trainer)
