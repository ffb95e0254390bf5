/*
 * own_cert.h - a certificate and keys in PEM, made for the test
 */
#ifndef SLUICE_OWN_CERT_H
#define SLUICE_OWN_CERT_H

#define OWN_CERT_MAX 16384

/*
 * Writes what each letter of @parts stands for: c, a certificate; k, its key;
 * o, another key; w, the certificate of a weak key; p, parameters of a curve;
 * e, c's key with a password; r, a request. The same ones each time. Returns
 * @pem.
 */
const char *own_cert(char pem[OWN_CERT_MAX], const char *parts);

#endif
