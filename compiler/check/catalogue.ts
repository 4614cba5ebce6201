/**
 * Every problem the checker can report. Codes: 20xx files and imports, 21xx names, 22xx values and kinds, 23xx calls,
 * 30xx shapes, 40xx the discipline of slow net, fast net and program, 50xx experiments and ablations.
 */
import { diagnosticsOf, entry } from "../../diagnostics/catalogue.ts";

const didYouMean = ({ candidates }: { candidates: string }) => {
  if (candidates.startsWith("import ")) return `it is in the library: add \`${candidates}\``;
  return candidates ? `did you mean ${candidates}?` : null;
};

export const checkCatalogue = {
  // ------------------------------------------------------------------------------------------ files, imports
  fwp2001: entry(
    "error",
    "an import cannot be read",
    (f: { path: string; reason: string }) => `cannot import ${f.path}: ${f.reason}`,
    null,
    'An `import` names a file of the standard library (`import std.maps`) or a file relative to this one (`import "./mine.fwp"`). It must exist, be readable, be UTF-8 and not be larger than the limit.',
  ),
  fwp2002: entry(
    "error",
    "imports in a circle",
    (f: { circle: string }) => `these files import each other: ${f.circle}`,
    () => "move what they share into a third file",
    "A file cannot be read before the files it imports, so imports may not form a circle.",
  ),
  fwp2003: entry(
    "error",
    "a name is declared twice",
    (f: { name: string }) => `${f.name} is declared twice`,
    () => "rename one of them",
    "Every map, instruction, layer, model, experiment and ablation of a file, and every parameter, state, weight, input and output of a declaration, needs a name of its own.",
  ),
  fwp2004: entry(
    "error",
    "two imports bring the same name",
    (f: { name: string; first: string; second: string }) =>
      `${f.name} comes from both ${f.first} and ${f.second}`,
    () => "import only one of the files, or rename one of the declarations",
    "A name that two imported files declare would be ambiguous. A declaration of the importing file itself goes before any imported one.",
  ),
  // ------------------------------------------------------------------------------------------ names
  fwp2101: entry(
    "error",
    "an unknown name",
    (f: { name: string; candidates: string }) => `there is no ${f.name} here`,
    didYouMean,
    "The name is not a signal, state, parameter, local function, declaration, import or builtin that can be seen at this place.",
  ),
  fwp2102: entry(
    "error",
    "a signal is read before it is bound",
    (f: { name: string }) => `${f.name} is read before it is bound in this step`,
    (f) => `move its binding up, or write prev(${f.name}) for its value at the previous step`,
    "The statements of a step run in order. A signal can be read below the line that binds it; its value at the previous step is `prev(name)`.",
  ),
  fwp2103: entry(
    "error",
    "an unknown declaration",
    (f: { name: string; candidates: string }) => `the file declares no ${f.name}`,
    (f) => (f.candidates ? `it declares ${f.candidates}` : null),
    "`--of`, `--experiment` and `ablation … of` name a declaration of the file.",
  ),
  // ------------------------------------------------------------------------------------------ values, kinds
  fwp2201: entry(
    "error",
    "a value of the wrong kind",
    (f: { expected: string; found: string }) => `expected ${f.expected}, found ${f.found}`,
    null,
    "Sizes, numbers, switches, maps, instructions, layers, initialisers and signals are different kinds of value; each place takes one kind.",
  ),
  fwp2202: entry(
    "error",
    "an unknown kind of parameter",
    (f: { kind: string }) => `there is no kind of parameter called ${f.kind}`,
    () => "use int, float, bool, map, instruction, layer, initializer, or a shape such as [n]",
    "A parameter's type is a shape (it is then a signal) or one of the kinds int, float, bool, map, instruction, layer, initializer.",
  ),
  fwp2203: entry(
    "error",
    "a value that must be known when the spec is compiled is not",
    (f: { what: string }) => `${f.what} must be known when the spec is compiled`,
    null,
    "Counts, ranges, switches and sizes shape the program, so they cannot depend on signals.",
  ),
  fwp2204: entry(
    "error",
    "a number that must be whole is not",
    (f: { what: string; found: string }) => `${f.what} must be a whole number, found ${f.found}`,
    null,
    "Sizes, counts and positions are whole numbers.",
  ),
  fwp2205: entry(
    "error",
    "a number out of range",
    (f: { what: string; expected: string; found: string }) =>
      `${f.what} must be ${f.expected}, found ${f.found}`,
    null,
    "The number is outside the range that makes sense at this place.",
  ),
  fwp2206: entry(
    "error",
    "declarations that expand without end",
    (f: { name: string }) => `${f.name} expands itself without end`,
    () => "it is expanded where it is called, so it may not call itself",
    "Maps, instructions, layers and local functions are expanded where they are called, so they cannot call themselves.",
  ),
  // ------------------------------------------------------------------------------------------ calls
  fwp2301: entry(
    "error",
    "an unknown argument",
    (f: { callee: string; name: string; candidates: string }) =>
      `${f.callee} takes no argument ${f.name}`,
    (f) => (f.candidates ? `it takes ${f.candidates}` : "it takes none"),
    "A named argument must be a parameter of what is called. Passed through a parameter (`rule(…, rate: b)`), an argument the chosen instruction does not take is dropped instead.",
  ),
  fwp2302: entry(
    "error",
    "a missing argument",
    (f: { callee: string; name: string }) => `${f.callee} needs ${f.name}`,
    (f) => `pass it: ${f.callee}(…, ${f.name}: …)`,
    "A parameter without a default must be given.",
  ),
  fwp2303: entry(
    "error",
    "too many arguments",
    (f: { callee: string; takes: number; found: number }) =>
      `${f.callee} takes at most ${f.takes} unnamed argument${f.takes === 1 ? "" : "s"}, found ${f.found}`,
    () => "name the others",
    "Unnamed arguments fill the parameters in order; there are more of them than parameters.",
  ),
  fwp2304: entry(
    "error",
    "an argument given twice",
    (f: { callee: string; name: string }) => `${f.callee} is given ${f.name} twice`,
    null,
    "Each parameter can be given once, by place or by name.",
  ),
  fwp2305: entry(
    "error",
    "something that cannot be called is called",
    (f: { found: string }) => `${f.found} cannot be called`,
    null,
    "Only builtins, maps, instructions, layers and local functions can be called.",
  ),
  fwp2306: entry(
    "error",
    "a name that a parameter needs has no value",
    (f: { owner: string; name: string }) => `${f.owner} needs a value for ${f.name}`,
    (f) => `give one: --set ${f.name}=…`,
    "To run, build or train a declaration, every parameter without a default and every free width needs a value.",
  ),
  fwp2307: entry(
    "error",
    "a setting that nothing takes",
    (f: { owner: string; name: string; candidates: string }) =>
      `${f.owner} has no parameter or free width ${f.name}`,
    (f) => (f.candidates ? `it has ${f.candidates}` : "it has none"),
    "`--set NAME=VALUE` sets a parameter or a free width of what is compiled; `mixer.heads` reaches into a parameter.",
  ),
  fwp2308: entry(
    "error",
    "an instruction that does not give one new value",
    (f: { name: string; found: number }) =>
      `${f.name} writes ${f.found} of its parameters; here exactly one is expected`,
    () => "write the others as statements of the program block",
    "`W <- rule(W, …)` takes the value that the instruction gave to the one parameter it writes.",
  ),
  fwp2309: entry(
    "warning",
    "an argument is dropped",
    (f: { callee: string; name: string; parameter: string }) =>
      `${f.parameter} is ${f.callee} here, which takes no ${f.name}: the argument is dropped`,
    null,
    "An argument passed through a parameter that the chosen instruction or map does not take is dropped, and the slow head behind it disappears. `fwp explain` lists it.",
  ),
  // ------------------------------------------------------------------------------------------ shapes
  fwp3001: entry(
    "error",
    "shapes that do not fit elementwise",
    (f: { operator: string; left: string; right: string }) =>
      `cannot combine ${f.left} and ${f.right} with ${f.operator}`,
    (f) =>
      f.operator === "concat"
        ? "all axes but the joined one must be equal"
        : "shapes must be equal, or one must be the first or the last axes of the other",
    "Elementwise operators take equal shapes, or one whose axes are a prefix or a suffix of the other's. Sizes of equal value and different name are different.",
  ),
  fwp3002: entry(
    "error",
    "two readings of an elementwise operation",
    (f: { operator: string; small: string; large: string; prefix: string; suffix: string }) =>
      `${f.small} ${f.operator} ${f.large} has two readings: along ${f.prefix} or along ${f.suffix}`,
    () => "say which with einsum, or give the axes different names",
    "The smaller shape fits both the first and the last axes of the larger one, and the results differ.",
  ),
  fwp3003: entry(
    "error",
    "a shape other than declared",
    (f: { name: string; expected: string; found: string }) =>
      `${f.name} is declared as ${f.expected}, its value is ${f.found}`,
    null,
    "The annotation of a signal, state, weight or result must be the shape of its value.",
  ),
  fwp3004: entry(
    "error",
    "a product whose inner sizes differ",
    (f: { left: string; right: string; a: string; b: string }) =>
      `${f.left} @ ${f.right} sums over ${f.a} on the left and ${f.b} on the right`,
    () => "the last axis on the left must be the last axis on the right",
    "`W @ k` contracts the last axis of W with the last axis of k; leading axes that both have are batch axes.",
  ),
  fwp3005: entry(
    "error",
    "a product whose leading axes differ",
    (f: { left: string; right: string }) =>
      `the leading axes of ${f.left} and ${f.right} do not fit together`,
    () => "use einsum to say which axes belong together",
    "In `W @ k` the axes before the contracted one (and before W's row axis) must be equal or absent on one side.",
  ),
  fwp3006: entry(
    "error",
    "a shape that cannot be inferred",
    (f: { what: string }) => `the shape of ${f.what} cannot be inferred here`,
    (f) => `annotate it: ${f.what}: [ … ] = …`,
    "`linear(x)` takes its shape from the annotation of the signal it makes or from what it is added to; one of them must say it.",
  ),
  fwp3007: entry(
    "error",
    "an axis that the signal does not have",
    (f: { axis: string; shape: string }) => `there is no axis ${f.axis} in ${f.shape}`,
    null,
    "`over: key` names an axis of the argument by its size.",
  ),
  fwp3008: entry(
    "error",
    "an axis name that fits twice",
    (f: { axis: string; shape: string }) => `${f.axis} names two axes of ${f.shape}`,
    () => "use einsum, or give the axes different names",
    "`over: n` needs exactly one axis of that size.",
  ),
  fwp3009: entry(
    "error",
    "an argument of the wrong shape",
    (f: { callee: string; name: string; expected: string; found: string }) =>
      `${f.name} of ${f.callee} must be ${f.expected}, found ${f.found}`,
    null,
    "The argument's last axes must be those that the parameter declares.",
  ),
  fwp3010: entry(
    "error",
    "einsum labels that do not fit the operand",
    (f: { labels: string; shape: string }) =>
      `the labels [${f.labels}] do not fit a signal of shape ${f.shape}`,
    () => "one label for each axis",
    "Each operand of einsum is followed by one label per axis, no label twice in one operand.",
  ),
  fwp3011: entry(
    "error",
    "an einsum label with two sizes",
    (f: { label: string; first: string; second: string }) =>
      `label ${f.label} is ${f.first} in one operand and ${f.second} in another`,
    null,
    "A label stands for one size throughout an einsum.",
  ),
  fwp3012: entry(
    "error",
    "an einsum result label that cannot be",
    (f: { label: string; reason: string }) =>
      `the result cannot have the label ${f.label}: ${f.reason}`,
    null,
    "Every label of the result must occur in an operand, and no label twice in the result.",
  ),
  fwp3013: entry(
    "error",
    "pieces that do not add up",
    (f: { axis: string; pieces: string }) => `the pieces ${f.pieces} do not add up to ${f.axis}`,
    () => "write _ for one piece to have it inferred",
    "The sizes given to `split` must add up to the axis that is split.",
  ),
  fwp3014: entry(
    "error",
    "a different number of names and values",
    (f: { names: number; values: number }) =>
      `${f.names} names for ${f.values} value${f.values === 1 ? "" : "s"}`,
    null,
    "`a, b = …` needs as many values as names.",
  ),
  fwp3015: entry(
    "error",
    "a reshape that does not keep the number of elements",
    (f: { from: string; to: string }) => `cannot reshape ${f.from} to ${f.to}`,
    null,
    "The result of `reshape` has as many elements as its argument; `_` stands for what is left.",
  ),
  fwp3016: entry(
    "error",
    "an index outside the axis",
    (f: { index: string; size: string }) => `index ${f.index} is outside 1..${f.size}`,
    () => "indices count from 1",
    "`e[i]` takes the i-th part along the first axis, counted from 1.",
  ),
  fwp3017: entry(
    "error",
    "a hole where a size is needed",
    (f: { sign: string }) => `${f.sign} cannot stand here: nothing says what it is`,
    null,
    "`_` stands for one size that the compiler can infer: in the annotation of a state or signal, in `split` and in `reshape`.",
  ),
  fwp3018: entry(
    "error",
    "a rank that an operation cannot take",
    (f: { operation: string; expected: string; found: string }) =>
      `${f.operation} needs ${f.expected}, found ${f.found}`,
    null,
    "Some operations need at least one axis, or exactly so many.",
  ),
  fwp3019: entry(
    "error",
    "a token that there is no place for",
    (f: { operation: string; places: number; vocab: number }) =>
      `${f.operation} has ${f.places} places for a token that can be any of ${f.vocab}`,
    (f) => `give it ${f.vocab} places`,
    "A token counts from 0 to the size of its vocabulary; whatever it chooses from must have a place for each.",
  ),
  // ------------------------------------------------------------------------------------------ discipline
  fwp4001: entry(
    "error",
    "a write outside the program block",
    (f: { name: string }) => `${f.name} is written outside a program block`,
    () => "put the `<-` into `program { … }`",
    "Fast weights change only in `program { … }`, so that a reader finds the programming instruction at once.",
  ),
  fwp4002: entry(
    "error",
    "a trained weight inside the program block",
    (f: { what: string }) => `${f.what} makes a trained weight inside the program block`,
    () => "compute it in the slow net and use the signal here",
    "The program applies signals to fast weights; what is trained by gradient descent belongs to the slow net.",
  ),
  fwp4003: entry(
    "error",
    "a write to something that is not a state",
    (f: { name: string }) => `${f.name} is not a state, so it cannot be written with <-`,
    () => "declare it in `fast net { … }`, or bind it with =",
    "`<-` replaces the value of a state from here on. Signals are bound with `=`.",
  ),
  fwp4004: entry(
    "error",
    "a state bound with =",
    (f: { name: string }) => `${f.name} is a state: write it with <-`,
    null,
    "`=` binds a signal of this step; a state keeps its value from step to step and is written with `<-` in the program block.",
  ),
  fwp4005: entry(
    "error",
    "a statement where it cannot stand",
    (f: { statement: string; place: string }) => `${f.statement} cannot stand in ${f.place}`,
    null,
    "Inputs and outputs belong to the layer itself, states to the fast net, writes to the program.",
  ),
  fwp4006: entry(
    "error",
    "a layer without an output",
    (f: { name: string }) => `${f.name} has no output`,
    () => "add `out y = …`",
    "A layer or model gives at least one signal with `out`.",
  ),
  fwp4007: entry(
    "error",
    "a state without a shape",
    (f: { name: string }) => `the state ${f.name} needs a shape`,
    (f) => `write ${f.name}: [ … ] = 0`,
    "A state is declared with its shape and its value before the first step.",
  ),
  fwp4008: entry(
    "error",
    "an initial value that cannot be used",
    (f: { name: string; found: string }) => `${f.name} cannot start from ${f.found}`,
    () => "use a number, an initialiser such as normal(0, 1), or `learned …`",
    "A state starts from a number or an initialiser; `learned` makes the initial value a trained parameter.",
  ),
  fwp4009: entry(
    "error",
    "a growing state used wrongly",
    (f: { name: string; reason: string }) => `${f.name}: ${f.reason}`,
    () => "declare `K: [past, …] = empty` and write `K <- append(K, k)` once per step",
    "A state that starts `empty` grows by one row per step; its first axis is the number of steps so far, and the only way to write it is `append`.",
  ),
  fwp4010: entry(
    "warning",
    "a state that is never written",
    (f: { name: string }) => `the state ${f.name} is never written`,
    () => "write it in `program { … }`, or declare a weight instead",
    "A state that nothing writes keeps its first value for ever.",
  ),
  fwp4011: entry(
    "error",
    "an instruction that writes nothing",
    (f: { name: string }) => `the instruction ${f.name} writes nothing`,
    () => "an instruction says how a fast weight changes: W <- …",
    "The body of an instruction must write at least one of its parameters.",
  ),
  fwp4012: entry(
    "error",
    "a construct this version does not compile",
    (f: { what: string }) => `${f.what} is understood but not compiled yet`,
    null,
    "The language has the construct, the compiler does not turn it into a program yet.",
  ),
  fwp4013: entry(
    "warning",
    "an input that nothing reads",
    (f: { name: string }) => `the input ${f.name} is never read`,
    null,
    "The output and the states do not depend on this input.",
  ),
  fwp4014: entry(
    "error",
    "a schedule for something that is not a state",
    (f: { name: string; candidates: string }) => `${f.name} is scheduled, and is not a state here`,
    (f) => (f.candidates === "" ? null : `a state of this layer: ${f.candidates}`),
    "`schedule { … }` says how the loops over time of the layer's own states are run. States of layers that it calls are scheduled in those.",
  ),
  fwp4015: entry(
    "error",
    "a form of time that does not exist",
    () => "this is no form of a loop over time",
    () => "write sequential, chunk, chunk(32), scan or scan(32)",
    "`sequential` is a loop step after step, `chunk` one over chunks of time, `scan` puts stretches of time together; a number in brackets is the number of steps per chunk.",
  ),
  fwp4016: entry(
    "error",
    "a state scheduled twice",
    (f: { name: string }) => `${f.name} is scheduled twice`,
    () => "keep one of them",
    "A layer says once how the loop of a state is run.",
  ),
  fwp4017: entry(
    "warning",
    "a gradient that is always zero",
    (f: { name: string }) =>
      `the loss was not computed from ${f.name} as it is here: its gradient is zero`,
    (f) => `compute the loss below the last line that writes or binds ${f.name}`,
    "`grad(loss, W)` asks how the loss changes with the value that W has at this place of the step. A loss that was computed above `W <- …` belongs to the value that W had there, and a new expression (`grad(loss, 2 * W)`) is a value of its own that no loss was computed from.",
  ),
  fwp4018: entry(
    "error",
    "an output that grows",
    (f: { name: string; axis: string }) =>
      `the output ${f.name} has one row more at every step, along ${f.axis}`,
    (f) => `sum over ${f.axis}, or give out what is read from it`,
    "An output has the same shape at every step. Rows of a growing state, and what has an axis of them, can be read inside the layer and by the layers that call it.",
  ),
  // ------------------------------------------------------------------------------------------ experiments
  fwp5001: entry(
    "error",
    "an experiment without a needed clause",
    (f: { name: string; clause: string }) => `experiment ${f.name} has no ${f.clause}`,
    null,
    "An experiment names a model, a task and a loss.",
  ),
  fwp5002: entry(
    "error",
    "a clause given twice",
    (f: { clause: string }) => `${f.clause} is given twice`,
    null,
    "Each clause of an experiment or setting of a block can be given once.",
  ),
  fwp5003: entry(
    "error",
    "an unknown setting",
    (f: { block: string; name: string; candidates: string }) =>
      `${f.block} has no setting ${f.name}`,
    (f) => (f.candidates ? `it has ${f.candidates}` : null),
    "The settings of `train` and `eval` are listed in the language reference.",
  ),
  fwp5004: entry(
    "error",
    "an unknown task",
    (f: { name: string; candidates: string }) => `there is no task ${f.name}`,
    (f) =>
      f.candidates
        ? `built in are ${f.candidates}; a task of your own is task "./file.ts"(…)`
        : null,
    "A task is built in or a module of your own.",
  ),
  fwp5005: entry(
    "error",
    "a model input that the task does not provide",
    (f: { input: string; task: string; candidates: string }) =>
      `the task ${f.task} provides no ${f.input}, which the model takes`,
    (f) => (f.candidates ? `it provides ${f.candidates}` : null),
    "Inputs of the model are matched with the fields of the task by name.",
  ),
  fwp5006: entry(
    "error",
    "a task field of another shape",
    (f: { input: string; expected: string; found: string }) =>
      `the model takes ${f.input} as ${f.expected}, the task gives ${f.found}`,
    null,
    "The field of the task and the input of the model must have the same shape and kind.",
  ),
  fwp5007: entry(
    "error",
    "a loss that is not one number per step",
    (f: { what: string; found: string }) =>
      `${f.what} must be one number per step, found shape ${f.found}`,
    () => "reduce it with sum or mean",
    "The loss and every metric give one number per time step; training averages it over batch and time.",
  ),
  fwp5008: entry(
    "error",
    "an axis of an ablation, or a value on it, that the experiment cannot take",
    (f: { axis: string; reason: string }) =>
      `the experiment cannot take this ${f.axis}: ${f.reason}`,
    null,
    "An axis is a path such as `model.width`, `mixer.rule`, `task.pairs` or `train.optimizer.rate` that leads to a parameter or setting of the experiment.",
  ),
  fwp5009: entry(
    "error",
    "rows of another length than the axes",
    (f: { axes: number; found: number }) =>
      `each row of zip needs ${f.axes} values, found ${f.found}`,
    null,
    "`zip (a, b) in [(1, 2), …]` gives one value to each axis in every row.",
  ),
  fwp5010: entry(
    "error",
    "an ablation without anything that varies",
    (f: { name: string }) => `ablation ${f.name} varies nothing`,
    () => "add `grid AXIS in [ … ]` or `seeds 1..5`",
    "An ablation needs at least one grid, zip or seeds clause.",
  ),
  fwp5011: entry(
    "error",
    "a baseline that is not a cell",
    (f: { axis: string }) => `the baseline sets ${f.axis}, which the ablation does not vary`,
    null,
    "A baseline picks one of the cells of the ablation.",
  ),
} as const;

export const checkDiagnostic = diagnosticsOf(checkCatalogue);
export type CheckCode = keyof typeof checkCatalogue;
