/**
 * C that lets several threads run an entry together. Each runs the same function and is told which one it is; they meet
 * at barriers. The threads are made at the first call that is large enough and wait for the next one, first awake, then asleep.
 */

import { APART, LINE } from "../../../runtime/format/program.ts";

/** Below every kernel: what a kernel is told, and its part of a loop. */
export const TEAM = `/* Which of how many threads runs this. */
typedef struct { int64_t thread, threads; } fwp_team;
static const fwp_team fwp_alone = {0, 1};

/* The part of a loop of so many rounds, in steps, that is a thread's own. */
typedef struct { int64_t first, last; } fwp_part;
static inline fwp_part fwp_share(const fwp_team *team, int64_t length, int64_t step) {
  const int64_t rounds = length <= 0 ? 0 : (length + step - 1) / step;
  const fwp_part part = {rounds * team->thread / team->threads * step,
                         rounds * (team->thread + 1) / team->threads * step};
  return part;
}

/* A thread's own among the pieces of some memory, each from a cache line on and apart from the others. */
static inline void *fwp_own(void *memory, int64_t bytes, const fwp_team *team) {
  return (char *)memory + team->thread * ((bytes + ${LINE - 1}) / ${LINE} * ${LINE} + ${APART});
}

#if defined(__x86_64__) || defined(__i386__)
#define fwp_pause() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define fwp_pause() __asm__ volatile("yield")
#else
#define fwp_pause() ((void)0)
#endif

/* Rounds of waiting awake: for others that are about to come, and for the next entry. */
enum { FWP_MOST_THREADS = 256, FWP_SPINS = 100, FWP_IDLE_SPINS = 2000 };

typedef void fwp_body(void *const *buffers, const int64_t *sizes, const fwp_team *team);

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  /* Threads besides the caller's. */
  int64_t made, wanted;
  /* What fwp_threads was asked for first: callers keep memory for as many. */
  int64_t decided;
  /* Someone has the threads: who comes meanwhile, from a thread of the caller's own, does without. */
  atomic_flag taken;
  atomic_long job;
  fwp_body *body;
  void *const *buffers;
  const int64_t *sizes;
  _Alignas(64) atomic_long arrived;
  _Alignas(64) atomic_long phase;
} fwp_pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .taken = ATOMIC_FLAG_INIT};

/* Waits until all threads of a team are here. */
static void fwp_barrier(const fwp_team *team) {
  if (team->threads == 1) return;
  const long phase = atomic_load_explicit(&fwp_pool.phase, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&fwp_pool.arrived, 1, memory_order_acq_rel) == team->threads - 1) {
    atomic_store_explicit(&fwp_pool.arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&fwp_pool.phase, phase + 1, memory_order_release);
    return;
  }
  for (int spins = 0; atomic_load_explicit(&fwp_pool.phase, memory_order_acquire) == phase; spins++) {
    if (spins < FWP_SPINS) fwp_pause();
    else sched_yield();
  }
}

/* What a thread does with the next kernel: together with the others, alone while they go on, or nothing. */
static inline const fwp_team *fwp_turn(const fwp_team *team, int *last, int together) {
  if (team->threads == 1) return team;
  if (together ? *last != 0 : *last == 2) fwp_barrier(team);
  *last = together ? 2 : 1;
  return together ? team : team->thread == 0 ? &fwp_alone : 0;
}

static void *fwp_worker(void *number) {
  /* No job is given before all threads of a team are made. */
  long done = atomic_load_explicit(&fwp_pool.job, memory_order_acquire);
  atomic_fetch_add_explicit(&fwp_pool.arrived, 1, memory_order_acq_rel);
  for (;;) {
    for (int spins = 0; spins < FWP_IDLE_SPINS; spins++) {
      if (atomic_load_explicit(&fwp_pool.job, memory_order_acquire) != done) break;
      fwp_pause();
    }
    pthread_mutex_lock(&fwp_pool.lock);
    while (atomic_load_explicit(&fwp_pool.job, memory_order_acquire) == done)
      pthread_cond_wait(&fwp_pool.wake, &fwp_pool.lock);
    pthread_mutex_unlock(&fwp_pool.lock);
    done++;
    const fwp_team team = {(int64_t)(intptr_t)number, fwp_pool.made + 1};
    fwp_pool.body(fwp_pool.buffers, fwp_pool.sizes, &team);
    fwp_barrier(&team);
  }
  return 0;
}

/* Makes the threads that were asked for, or as many as there can be. */
static void fwp_make(void) {
  /* Threads may still be in this code when the process ends or lets go of the library: it stays where it is. */
  Dl_info here;
  if (dladdr((void *)(intptr_t)fwp_worker, &here) != 0) dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  const int64_t wanted = fwp_pool.wanted;
  int64_t made = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  while (made < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, fwp_worker, (void *)(intptr_t)(made + 1)) != 0) break;
    made++;
  }
  pthread_attr_destroy(&attributes);
  while (atomic_load_explicit(&fwp_pool.arrived, memory_order_acquire) != made) sched_yield();
  atomic_store_explicit(&fwp_pool.arrived, 0, memory_order_relaxed);
  fwp_pool.made = made;
  fwp_pool.wanted = made;
}

/*
 * Whether threads pay is measured: on a machine that others keep busy, waiting for each other can take longer than doing
 * everything alone. The result is the same either way.
 */
typedef struct {
  int64_t sizes[3];
  /* Seconds of a run, lately: alone, together. */
  double seconds[2];
  /* How many runs there were; of those at first, which way is taken is fixed. */
  int64_t runs;
  /* Runs until the way that is not taken is tried again, and how many there were the last time. */
  int64_t left, pause;
} fwp_pace;

/*
 * Threads may be held up once: alone is soon doubted, together is not. The first run is of all threads and touches memory
 * for the first time, which says nothing; the second says how long that takes, the third how long one thread takes.
 */
enum { FWP_TOGETHER_FIRST = 2, FWP_TRIED = 3, FWP_PAUSE_ALONE = 4, FWP_PAUSE_TOGETHER = 25, FWP_LONGEST_PAUSE = 800 };

static double fwp_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int fwp_better(const fwp_pace *pace) { return pace->seconds[1] <= pace->seconds[0]; }

static inline void fwp_rest(fwp_pace *pace) {
  pace->left = pace->pause = fwp_better(pace) ? FWP_PAUSE_TOGETHER : FWP_PAUSE_ALONE;
}

/* Whether the next run is one of all threads. */
static int fwp_chosen(fwp_pace *pace, const int64_t *sizes) {
  if (memcmp(pace->sizes, sizes, sizeof pace->sizes) != 0) {
    const fwp_pace fresh = {.sizes = {sizes[0], sizes[1], sizes[2]}};
    *pace = fresh;
  }
  if (pace->runs < FWP_TRIED) return pace->runs < FWP_TOGETHER_FIRST;
  const int better = fwp_better(pace);
  if (pace->left-- > 0) return better;
  /* The worse one is tried ever more rarely while it stays the worse one. */
  pace->pause = pace->pause * 2 > FWP_LONGEST_PAUSE ? FWP_LONGEST_PAUSE : pace->pause * 2;
  pace->left = pace->pause;
  return !better;
}

static void fwp_learn(fwp_pace *pace, int together, double seconds) {
  const int before = fwp_better(pace);
  double *mean = &pace->seconds[together];
  /* A run that was held up for long counts as one that took twice as long. */
  const double counted = seconds > 2 * *mean ? 2 * *mean : seconds;
  *mean = *mean == 0 || seconds < *mean ? seconds : 0.8 * *mean + 0.2 * counted;
  if (pace->runs < FWP_TRIED && ++pace->runs < FWP_TRIED) return;
  if (pace->pause == 0 || fwp_better(pace) != before) fwp_rest(pace);
}

static void fwp_all(fwp_body *body, void *const *buffers, const int64_t *sizes) {
  if (fwp_pool.made != fwp_pool.wanted) fwp_make();
  const fwp_team team = {0, fwp_pool.made + 1};
  fwp_pool.body = body;
  fwp_pool.buffers = buffers;
  fwp_pool.sizes = sizes;
  pthread_mutex_lock(&fwp_pool.lock);
  atomic_fetch_add_explicit(&fwp_pool.job, 1, memory_order_release);
  pthread_cond_broadcast(&fwp_pool.wake);
  pthread_mutex_unlock(&fwp_pool.lock);
  body(buffers, sizes, &team);
  fwp_barrier(&team);
}

/* Runs an entry: with all threads where it is large enough and that has turned out to be faster. */
static void fwp_run(fwp_body *body, fwp_pace *pace, void *const *buffers, const int64_t *sizes, int together) {
  if (!together || fwp_pool.decided <= 1 || atomic_flag_test_and_set_explicit(&fwp_pool.taken, memory_order_acquire)) {
    body(buffers, sizes, &fwp_alone);
    return;
  }
  const int chosen = fwp_chosen(pace, sizes);
  const double start = fwp_now();
  if (chosen) fwp_all(body, buffers, sizes);
  else body(buffers, sizes, &fwp_alone);
  fwp_learn(pace, chosen, fwp_now() - start);
  atomic_flag_clear_explicit(&fwp_pool.taken, memory_order_release);
}

/* How many threads may run an entry: the first call decides, all calls give what it decided. */
int64_t fwp_threads(int64_t threads) {
  pthread_mutex_lock(&fwp_pool.lock);
  if (fwp_pool.decided == 0) {
    fwp_pool.decided = threads < 1 ? 1 : threads > FWP_MOST_THREADS ? FWP_MOST_THREADS : threads;
    fwp_pool.wanted = fwp_pool.decided - 1;
  }
  pthread_mutex_unlock(&fwp_pool.lock);
  return fwp_pool.decided;
}
`;
