// SPDX-License-Identifier: MIT
//
// A module of python3 that loses what extensions lose: memory of malloc, and references.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

__attribute__((noinline)) static void lose_memory(Py_ssize_t size)
{
    void* volatile const block = malloc((size_t)size); // lost: memory
    (void)block;
}

static PyObject* memory(PyObject* self, PyObject* size)
{
    (void)self;
    lose_memory(PyLong_AsSsize_t(size));
    Py_RETURN_NONE;
}

/// The list's reference is given to nobody, so the list lives for ever.
static PyObject* list(PyObject* self, PyObject* size)
{
    (void)self;
    PyObject* volatile list = PyList_New(PyLong_AsSsize_t(size)); // lost: list
    const Py_ssize_t length = PyList_GET_SIZE(list);
    PyObject_GC_UnTrack(list); // or the collector knows it
    list = NULL;
    return PyLong_FromSsize_t(length);
}

static PyMethodDef methods[] = {
    {"memory", memory, METH_O, "Loses a block of so many bytes."},
    {"list", list, METH_O, "Loses a list of so many elements."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "python_extension", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_python_extension(void)
{
    return PyModule_Create(&module);
}
