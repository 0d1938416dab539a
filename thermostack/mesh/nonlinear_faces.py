"""stub for tests"""
from dataclasses import dataclass
import numpy as np
@dataclass(frozen=True, eq=False)
class NonlinearFaces:
    face: np.ndarray
    law: np.ndarray
    laws: tuple
    def _each(self, name, surface):
        out = np.empty(self.face.size)
        for n, law in enumerate(self.laws):
            own = self.law == n
            out[own] = getattr(law, name)(surface[own])
        return out
    def flux(self, surface): return self._each("flux", surface)
    def slope(self, surface): return self._each("slope", surface)
    @property
    def temperatures(self):
        return np.array([law.temperatures for law in self.laws])[self.law]
    @property
    def critical_flux(self):
        return np.array([law.critical_flux for law in self.laws])[self.law]
