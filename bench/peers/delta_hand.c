/*
 * The delta rule by chunks, forward, written by hand for one shape: what a generated kernel is measured against.
 * Batch 8, 4 heads of 64, 512 steps, float32; a thread takes one head of one sequence at a time, its state in L1.
 *
 * With S [key, value] before a chunk of L steps, U the corrections that its steps write:
 *   U_i = rate_i (v_i - k_i S - sum over m < i of (k_i . k_m) U_m),  Y = Q S + lower(Q K') U,  S + K' U after the chunk.
 */
#include "worker.h"

enum { BATCH = 8, HEADS = 4, TIME = 512, SIZE = 64, STEPS = 16 };

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 4 };
#else
enum { LANES = 8, ROWS = 2 };
#endif
enum { WIDE = 4 }; /* vectors in a row of a block of sums */

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4)));
typedef float chunk_of_rows[STEPS][SIZE];

static float *q, *k, *v, *rate, *y;
static const char *folder = ".";

static inline vector at(const float *p) { return *(const vector *)p; }
static inline void put(float *p, vector x) { *(vector *)p = x; }

/* A block of sums: `rows` times `vectors` of out, over `depth`. a is read at a[i * row + l * step]. */
#define BLOCK(NAME, R, V)                                                                        \
  static inline __attribute__((always_inline)) void NAME(float *out, int out_row, int depth,     \
      const float *a, int row, int step, const float *b, int b_row, int keep) {                  \
    vector sum[R][V];                                                                            \
    for (int i = 0; i < (R); i++)                                                                \
      for (int j = 0; j < (V); j++)                                                              \
        sum[i][j] = keep ? at(out + i * out_row + j * LANES) : (vector){0};                      \
    for (int l = 0; l < depth; l++)                                                              \
      for (int i = 0; i < (R); i++)                                                              \
        for (int j = 0; j < (V); j++)                                                            \
          sum[i][j] += a[i * row + l * step] * at(b + l * b_row + j * LANES);                    \
    for (int i = 0; i < (R); i++)                                                                \
      for (int j = 0; j < (V); j++) put(out + i * out_row + j * LANES, sum[i][j]);               \
  }
BLOCK(wide_block, ROWS, WIDE)
BLOCK(narrow_block, 2 * ROWS, STEPS / LANES)

/* out [rows, SIZE] (+)= a b, and out [STEPS, STEPS] = a b. */
static inline void wide(float *out, int rows, int out_row, int depth, const float *a, int row, int step,
                        const float *b, int keep) {
  for (int j = 0; j < SIZE; j += WIDE * LANES)
    for (int i = 0; i < rows; i += ROWS)
      wide_block(out + i * out_row + j, out_row, depth, a + i * row, row, step, b + j, SIZE, keep);
}

static inline void gram(float *out, const float *a, int row, const float *transposed) {
  for (int i = 0; i < STEPS; i += 2 * ROWS)
    narrow_block(out + i * STEPS, STEPS, SIZE, a + i * row, row, 1, transposed, STEPS, 0);
}

static void head(long b, long h) {
  float state[SIZE * SIZE] __attribute__((aligned(64))) = {0};
  float transposed[SIZE * STEPS] __attribute__((aligned(64)));
  float keys[STEPS * STEPS] __attribute__((aligned(64)));
  float queries[STEPS * STEPS] __attribute__((aligned(64)));
  chunk_of_rows written __attribute__((aligned(64))), scaled __attribute__((aligned(64)));
  const long first = (b * HEADS + h) * TIME;
  for (long t = 0; t < TIME; t += STEPS) {
    const float *K = k + (first + t) * SIZE, *Q = q + (first + t) * SIZE, *V = v + (first + t) * SIZE;
    const float *be = rate + first + t;
    float *Y = y + (first + t) * SIZE;
    for (int i = 0; i < STEPS; i++)
      for (int d = 0; d < SIZE; d++) {
        transposed[d * STEPS + i] = K[i * SIZE + d];
        scaled[i][d] = 0.125f * Q[i * SIZE + d];
      }
    gram(keys, K, SIZE, transposed);
    gram(queries, scaled[0], SIZE, transposed);
    wide(written[0], STEPS, SIZE, SIZE, K, SIZE, 1, state, 0);
    for (int i = 0; i < STEPS; i++) {
      for (int j = 0; j < SIZE; j += WIDE * LANES) {
        vector error[WIDE];
        for (int n = 0; n < WIDE; n++)
          error[n] = at(V + i * SIZE + j + n * LANES) - at(written[i] + j + n * LANES);
        for (int m = 0; m < i; m++)
          for (int n = 0; n < WIDE; n++) error[n] -= keys[i * STEPS + m] * at(written[m] + j + n * LANES);
        for (int n = 0; n < WIDE; n++) put(written[i] + j + n * LANES, be[i] * error[n]);
      }
      for (int m = i + 1; m < STEPS; m++) queries[i * STEPS + m] = 0;
    }
    wide(Y, STEPS, SIZE, SIZE, scaled[0], SIZE, 1, state, 0);
    wide(Y, STEPS, SIZE, STEPS, queries, STEPS, 1, written[0], 1);
    wide(state, SIZE, SIZE, STEPS, K, 1, SIZE, written[0], 1);
  }
}

static void forward(void) {
#pragma omp parallel for schedule(dynamic)
  for (long i = 0; i < BATCH * HEADS; i++) head(i / HEADS, i % HEADS);
}

/* Files have time before heads; memory here has heads before time. */
static void read_in(const char *name, float *to, long width) {
  FILE *file = open_array(folder, name, "rb");
  for (long b = 0; b < BATCH; b++)
    for (long t = 0; t < TIME; t++)
      for (long h = 0; h < HEADS; h++)
        if (fread(to + ((b * HEADS + h) * TIME + t) * width, sizeof(float), (size_t)width, file) != (size_t)width) {
          printf("{\"error\": \"%s.f32 is too short\"}\n", name);
          exit(1);
        }
  fclose(file);
}

static void check(void) {
  forward();
  FILE *file = open_array(folder, "peer_y", "wb");
  for (long b = 0; b < BATCH; b++)
    for (long t = 0; t < TIME; t++)
      for (long h = 0; h < HEADS; h++)
        fwrite(y + ((b * HEADS + h) * TIME + t) * SIZE, sizeof(float), SIZE, file);
  fclose(file);
  printf("\"y\"");
}

static work_function find(const char *way) { return strcmp(way, "forward") == 0 ? forward : NULL; }

int main(int count, char **arguments) {
  const long all = (long)BATCH * HEADS * TIME;
  if (count > 1) folder = arguments[1];
  q = floats(all * SIZE), k = floats(all * SIZE), v = floats(all * SIZE), y = floats(all * SIZE);
  rate = floats(all);
  read_in("q", q, SIZE);
  read_in("k", k, SIZE);
  read_in("v", v, SIZE);
  read_in("rate", rate, 1);
  for (int i = 0; i < 20; i++) forward();
  return serve(find, check);
}
