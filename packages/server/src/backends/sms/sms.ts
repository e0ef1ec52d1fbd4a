/**
 * The port that brings one-time codes to phones. The console adapter prints them on a development
 * box.
 */
export interface Sms {
  /**
   * Resolves when handed over; rejects with a reason for the operator. The text is the adapter's;
   * neither number nor code is logged elsewhere.
   */
  sendCode(phone: string, code: string): Promise<void>
}
