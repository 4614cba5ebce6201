/**
 * Turns a matrix of independent normal numbers into a random one with orthonormal rows (or columns, whichever are fewer),
 * times `scale`. Gram–Schmidt, done twice per vector for accuracy. As the vectors keep their side of the ones before
 * them, the result is distributed uniformly (Mezzadri, "How to generate random matrices from the classical compact
 * groups", 2007).
 */
export function orthogonalise(
  matrix: Float64Array,
  rows: number,
  columns: number,
  scale: number,
): void {
  const byRow = rows <= columns;
  const [count, length] = byRow ? [rows, columns] : [columns, rows];
  const at = (vector: number, i: number): number =>
    byRow ? vector * columns + i : i * columns + vector;
  for (let v = 0; v < count; v++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let u = 0; u < v; u++) {
        let dot = 0;
        for (let i = 0; i < length; i++) dot += matrix[at(u, i)]! * matrix[at(v, i)]!;
        for (let i = 0; i < length; i++) {
          matrix[at(v, i)] = matrix[at(v, i)]! - dot * matrix[at(u, i)]!;
        }
      }
      let square = 0;
      for (let i = 0; i < length; i++) square += matrix[at(v, i)]! ** 2;
      const norm = Math.sqrt(square);
      for (let i = 0; i < length; i++) matrix[at(v, i)] = matrix[at(v, i)]! / norm;
    }
  }
  for (let i = 0; i < matrix.length; i++) matrix[i] = matrix[i]! * scale;
}
