/** Names that generated code may not use. */

/** Words that some target would not take as a name, and the names of run-time sizes. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    "batch time past break case catch class const continue default delete do else enum export extends false finally " +
    "for function if import in instanceof let new null return super switch this throw true try typeof undefined var " +
    "void while with yield await async static int float double char long short signed unsigned struct union auto " +
    "register goto sizeof fn loop bool i32 u32 f32 f64 vec2 vec3 vec4 erf modulo roundEven multiplyHigh buffers sizes Math NaN Infinity"
  ).split(" "),
);
