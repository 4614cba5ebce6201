/* How fast memory is copied, by all threads: ways are numbers of floats. The ceiling of whatever only moves data. */
#include "worker.h"

#define MOST (64L << 20)

static float *from, *to;
static long length;

static void copy(void) {
  const long parts = 64;
#pragma omp parallel for schedule(static)
  for (long p = 0; p < parts; p++) {
    const long first = length * p / parts, last = length * (p + 1) / parts;
    memcpy(to + first, from + first, (size_t)(last - first) * sizeof(float));
  }
}

static work_function find(const char *way) {
  length = atol(way);
  return length > 0 && length <= MOST ? copy : NULL;
}

int main(void) {
  from = floats(MOST);
  to = floats(MOST);
#pragma omp parallel for schedule(static)
  for (long i = 0; i < MOST; i++) from[i] = to[i] = (float)i;
  return serve(find, NULL);
}
