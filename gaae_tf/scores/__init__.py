"""The form of `scores.json`: which figures are in it, how one is written, read and shown.

It has every figure with where it comes from: the scorer and its own accuracy, the sample counts,
the data set, the seed, the vocoder and the versions. A figure that cannot be had, say for too few
test clips, is null with the reason beside it, never a made-up number.

    the main figures, plain numbers or null
    details
        samples, real_test, real_train   by measure (`measures.quality`); real clips' are the
                                         yardstick, measured as if they were samples;
                                         samples' `at_real_test_count` has what compares with it:
                                         figures of as many sounds as there are real test clips;
                                         `harmonicity`, how periodic sounds are, but real_train's
        interpolation, confusion         of sounds along paths; which class found for which meant
        classifier_test_accuracy, simple_classifier_same_labels_accuracy,
        augmented_classifier_same_labels_accuracy
        reconstruction                   errors, pitch, periodicity (`measures.reconstructions`)
        restyling                        class changed and the rest kept (`measures.restyling`)
        representations                  probes of the codes (`measures.representations`)
        codes                            of test clips beside the prior's draws (`measures.prior`)
        usefulness                       by what taught: samples, samples_and_real_clips, real_clips
        validation                       the last figures of the run's `validation.json`, which
                                         training measured on validation clips, as plain numbers
        (what a system has no part for is absent: BigGAN's codes, C and reconstruction; GGAN's
        reconstruction and restyling; a classifier's samples and all that is measured of them)
    provenance                           `phases` have each phase's seconds and peak memory

`catalogue` tells which of these are shown, and by which names; `figure` has the form of one.
"""

SCORES_FILE = "scores.json"  # in the run folder
