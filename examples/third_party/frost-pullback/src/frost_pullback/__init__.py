"""The backend of pullback for frost-array. It imports nothing of pullback but `pullback.extend`."""

from pullback.extend import Backend, Capabilities


class FrostBackend(Backend):
    """Arrays of frost-array, on the devices "frost" and "frost:held_out"."""

    name = "frost"
    default_candidate = False  # whoever wants frozen arrays says so

    def import_namespace(self):
        import frost_array

        return frost_array

    def owns(self, module):
        return module == "frost_array"

    @property
    def array_types(self):
        return (self.namespace.Array,)

    @property
    def capabilities(self):
        return Capabilities(mutable=False, views=False, max_dimensions=64)

    def kernels(self):
        return {"index_add": self.index_add}

    def index_add(self, values, indices, axis, length):
        """The transpose of `take`. The general form multiplies by a matrix of ones and zeros; NumPy adds in place."""
        import numpy as np

        out = np.zeros((*values.shape[:axis], length, *values.shape[axis + 1 :]), values.dtype)
        np.add.at(out, (slice(None),) * axis + (np.from_dlpack(indices),), np.from_dlpack(values))
        return self.namespace.asarray(out, device=values.device)

    # --- to the host and back ----------------------------------------------------------------------------------------

    def to_host(self, array):
        import numpy as np

        return np.from_dlpack(array).copy()

    def from_host(self, array, device):
        return self.namespace.asarray(array, device=device)

    def quiet(self):
        import numpy as np

        return np.errstate(all="ignore")  # what frost-array computes with

    # --- random numbers ----------------------------------------------------------------------------------------------

    def generator(self, seed):
        return Generator(self, seed)


class Generator:
    """NumPy's numbers, frozen."""

    def __init__(self, backend, seed):
        import numpy as np

        self._numbers, self._backend = np.random.default_rng(seed), backend

    def get_state(self):
        return self._numbers.bit_generator.state

    def set_state(self, state):
        self._numbers.bit_generator.state = state

    def _made(self, numbers, dtype, device):
        return self._backend.namespace.asarray(numbers, dtype=dtype, device=device)

    def normal(self, shape, dtype, device):
        if dtype.kind == "c":
            real, imag = self._numbers.standard_normal((2, *shape)) / 2**0.5
            return self._made(real + 1j * imag, dtype, device)
        return self._made(self._numbers.standard_normal(shape), dtype, device)

    def uniform(self, shape, dtype, device):
        if dtype.kind == "c":
            real, imag = self._numbers.random((2, *shape))
            return self._made(real + 1j * imag, dtype, device)
        if dtype.itemsize < 8:  # rounding may not reach 1
            return self._made(self._numbers.random(shape, dtype="float32"), dtype, device)
        return self._made(self._numbers.random(shape), dtype, device)

    def integers(self, low, high, shape, dtype, device):
        return self._made(self._numbers.integers(low, high, shape, dtype=dtype), dtype, device)
