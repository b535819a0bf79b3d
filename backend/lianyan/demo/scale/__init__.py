"""A large portal for measuring: N proposals with everything around them, the same for the same N."""

from lianyan.demo.scale.fill import LEAST, ScaleError, fill
from lianyan.demo.scale.plan import Plan
from lianyan.demo.scale.readers import Reader, readers

__all__ = ["LEAST", "Plan", "Reader", "ScaleError", "fill", "readers"]
