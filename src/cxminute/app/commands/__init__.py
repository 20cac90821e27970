"""The commands of `cxm`, one module per part of the work; each is loaded only when it is called."""
