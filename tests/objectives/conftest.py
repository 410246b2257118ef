"""Every objective, and its compiled gradient."""

import pytest
from objective_cases import GRADIENTS, OBJECTIVES


@pytest.fixture(params=list(OBJECTIVES))
def objective(request):
    return OBJECTIVES[request.param]


@pytest.fixture
def gradient(request, objective):
    return GRADIENTS[request.node.callspec.params["objective"]]
