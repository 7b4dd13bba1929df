// SPDX-License-Identifier: MIT

#include "preload/helper.h"

#include "preload/report.h"
#include "preload/startup.h"
#include "tracer/helper.h"

namespace tarn {

bool prepare_helper()
{
    static constinit bool is_prepared = false;
    const Options& options = startup_options();
    if (is_prepared) return !helper_path().empty();
    is_prepared = true;
    if (options.debuginfod && !use_debuginfod())
        write_report("tarn: debuginfod=on: nothing is fetched, DEBUGINFOD_URLS names no server\n");
    return find_helper(options.symbolizer.view());
}

} // namespace tarn
