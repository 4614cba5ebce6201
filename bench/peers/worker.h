/* The conversation of workers written in C: see worker.py. `WAY COUNT` runs and answers milliseconds of each run. */
#ifndef FWP_WORKER_H
#define FWP_WORKER_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void (*work_function)(void);

static double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* `find` gives the function of a way, or NULL; `check` writes results and prints their names in quotes, with commas. */
static int serve(work_function (*find)(const char *way), void (*check)(void)) {
  char line[256], way[128];
  printf("{\"ready\": true, \"facts\": {}}\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    int count = 0;
    if (sscanf(line, "%127s %d", way, &count) < 1) continue;
    if (strcmp(way, "quit") == 0) break;
    if (strcmp(way, "check") == 0) {
      printf("{\"files\": [");
      if (check != NULL) check();
      printf("]}\n");
    } else {
      work_function work = find(way);
      if (work == NULL) {
        printf("{\"error\": \"there is no way %s\"}\n", way);
        return 1;
      }
      printf("{\"ms\": [");
      for (int i = 0; i < count; i++) {
        double start = milliseconds();
        work();
        printf("%s%.6f", i == 0 ? "" : ", ", milliseconds() - start);
      }
      printf("]}\n");
    }
    fflush(stdout);
  }
  return 0;
}

/* Memory on a cache line. */
static inline float *floats(size_t count) {
  float *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
  if (memory == NULL) {
    printf("{\"error\": \"out of memory\"}\n");
    exit(1);
  }
  return memory;
}

static inline FILE *open_array(const char *folder, const char *name, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.f32", folder, name);
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    printf("{\"error\": \"cannot open %s.f32\"}\n", name);
    exit(1);
  }
  return file;
}
#endif
