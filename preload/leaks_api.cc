// SPDX-License-Identifier: MIT
//
// What <tarn/malloc.h> has about leaks.

#include "preload/export.h"
#include "preload/leaks.h"
#include "src/include/tarn/malloc.h"

TARN_EXPORT int tarn_leaks_mark()
{
    return tarn::mark_leaks();
}

TARN_EXPORT int tarn_report_leaks()
{
    return tarn::report_leaks_on_demand();
}
