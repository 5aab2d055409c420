"""A lit format for suites whose cases are listed by a script: each case is a name and a command."""

import lit.formats
import lit.Test
import lit.util


class CommandCases(lit.formats.TestFormat):
    """`cases` maps the name of a case to its command (argv); the case passes if that exits with 0.
    They belong to `folder`; its subfolders, which inherit the format, have none. `unsupported` says why
    none can run here, if so."""

    def __init__(self, folder, cases, unsupported=None):
        self.folder = folder
        self.cases = cases
        self.unsupported = unsupported

    def getTestsInDirectory(self, testSuite, path_in_suite, litConfig, localConfig):
        if testSuite.getSourcePath(path_in_suite) != self.folder:
            return
        for name in self.cases:
            yield lit.Test.Test(testSuite, path_in_suite + (name,), localConfig)

    def execute(self, test, litConfig):
        if self.unsupported:
            return lit.Test.UNSUPPORTED, self.unsupported
        command = self.cases[test.path_in_suite[-1]]
        try:
            out, err, status = lit.util.executeCommand(
                command, env=test.config.environment, timeout=litConfig.maxIndividualTestTime)
        except lit.util.ExecuteCommandTimeoutException:
            return lit.Test.TIMEOUT, ""
        return (lit.Test.FAIL if status else lit.Test.PASS), f"$ {' '.join(command)}\n{out}{err}"
