/** Names in generated code: which are taken, and how a spec's names are written. */

/** Words that some target would not take as a name, and the names of run-time sizes. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    "batch time past break case catch class const continue default delete do else enum export extends false finally " +
    "for function if import in instanceof let new null return super switch this throw true try typeof undefined var " +
    "void while with yield await async static int float double char long short signed unsigned struct union auto " +
    "eval arguments implements interface package private protected public debugger volatile inline restrict template " +
    "operator array atomic ptr var override discard enable sampler main kernel half " +
    "register goto sizeof fn loop bool i32 u32 f32 f64 vec2 vec3 vec4 erf modulo roundEven multiplyHigh buffers sizes Math NaN Infinity " +
    "asm int32_t int64_t uint32_t uint64_t NAN INFINITY HUGE_VAL"
  ).split(" "),
);

const GREEK =
  "αalpha βbeta γgamma δdelta εepsilon ζzeta ηeta θtheta ιiota κkappa λlambda μmu νnu ξxi οomicron πpi ρrho σsigma " +
  "ςsigma τtau υupsilon φphi ϕphi χchi ψpsi ωomega ΓGamma ΔDelta ΘTheta ΛLambda ΞXi ΠPi ΣSigma ΦPhi ΨPsi ΩOmega";

const SPELLED = new Map(GREEK.split(" ").map((pair) => [pair[0]!, pair.slice(1)]));

/** A name of the spec in letters that every target takes: `β_1` becomes `beta_1`, `layers.0.k` `layers_0_k`. */
export function asIdentifier(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  return [...name]
    .map((c) => SPELLED.get(c) ?? c)
    .join("")
    .replace(/[^A-Za-z0-9_]/g, "_")
    .replace(/^(?=\d)/, "_");
}
