/** The choice of a form for every loop over time: for training, for long prefill, for streaming. */
export { Chooser, USUAL, type ChooseOptions } from "./choose.ts";
export {
  FORMS,
  sayForm,
  showForm,
  type Candidate,
  type Choice,
  type Form,
  type FormName,
  type Use,
  type Wish,
} from "./forms.ts";
