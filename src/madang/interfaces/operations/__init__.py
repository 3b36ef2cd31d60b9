"""What can be asked of Madang, one function each: the API serves them, the command line calls them.

An operation takes the caller and plain arguments and gives a document of ``madang.sdk.documents``. It
holds no rule: it calls a service and puts the answer into the form that goes over the wire.
"""

from madang.interfaces.operations.declared import Caller, Operation, every, find

__all__ = ["Caller", "Operation", "every", "find"]
