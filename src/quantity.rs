//! Durations and sizes as people write them: `"50ms"`, `"24h"`, `"64KiB"`, `"1MB"`.
