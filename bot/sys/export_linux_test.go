package sys

// KernelFile is kernelFile, for its test.
var KernelFile = kernelFile
