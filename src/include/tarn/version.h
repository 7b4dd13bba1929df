/* SPDX-License-Identifier: MIT */
#ifndef TARN_VERSION_H
#define TARN_VERSION_H

#define TARN_VERSION "0.1.0"

#endif
