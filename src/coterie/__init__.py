"""Say which listener clusters music belongs in, and how sure we are.

Four nouns, four rooms: a table of counts becomes :class:`Evidence`, evidence and
a stated prior become :class:`Beliefs`, beliefs answer a question as a
:class:`Finding`, and ``plot_*`` draws them. Every public name is reached from
here; the list is ``__init__.pyi``. Importing this module wakes no sampler and
no array library: each name is loaded when it is first said.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
